/** The small drawings: the mark and the icons, in one line width and the colour of the text around them. */

const SVG = 'http://www.w3.org/2000/svg';

const PATHS = Object.freeze({
  plus: ['M12 5v14', 'M5 12h14'],
  send: ['M12 19V6', 'm6 12 6-6 6 6'],
  stop: ['M7.5 7.5h9v9h-9z'],
  copy: ['M9 9h10v10H9z', 'M5 15V5h10'],
  check: ['m5 13 4.5 4.5L19 8'],
  retry: ['M19 12a7 7 0 1 1-2.2-5.1', 'M19 4v4h-4'],
  edit: ['M5 19h3.5L18.5 9 15 5.5 5 15.5z', 'm12.5 8 3.5 3.5'],
  menu: ['M4 7h16', 'M4 12h16', 'M4 17h10'],
  more: ['M6 12h.01', 'M12 12h.01', 'M18 12h.01'],
  find: ['M16 10.5a5.5 5.5 0 1 1-11 0 5.5 5.5 0 0 1 11 0z', 'm15 15 4.5 4.5'],
  down: ['M12 5v13', 'm6 12 6 6 6-6'],
  back: ['m14 6-6 6 6 6'],
  forth: ['m10 6 6 6-6 6'],
  leave: ['M14 5H6v14h8', 'M11 12h9', 'm16 8 4 4-4 4'],
  trash: ['M5 7h14', 'M9 7V5h6v2', 'm7 7 1 12h8l1-12'],
  sun: ['M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0z', 'M12 3v2', 'M12 19v2', 'M3 12h2', 'M19 12h2', 'm5.6 5.6 1.4 1.4', 'm17 17 1.4 1.4', 'm18.4 5.6-1.4 1.4', 'm7 17-1.4 1.4'],
  moon: ['M19 14.5A7.5 7.5 0 0 1 9.5 5a7.5 7.5 0 1 0 9.5 9.5z'],
  auto: ['M20 12a8 8 0 1 1-16 0 8 8 0 0 1 16 0z', 'M12 4v16', 'M15 6v12', 'M18 9v6'],
  person: ['M15.5 8.5a3.5 3.5 0 1 1-7 0 3.5 3.5 0 0 1 7 0z', 'M5.5 19.5c.7-3.3 3.2-5 6.5-5s5.8 1.7 6.5 5'],
  close: ['m6 6 12 12', 'm18 6-12 12'],
});

/** Dots of the mark's middle stroke: a line that flows from the upper end to the lower one. */
const MARK_DOTS = Object.freeze([
  [17.7, 8.6],
  [13.9, 10.9],
  [10.1, 13.1],
  [6.3, 15.4],
]);

/**
 * @param {keyof typeof PATHS} name
 * @returns {SVGElement}
 */
export function icon(name) {
  const svg = frame(`icon icon-${name}`);
  for (const d of PATHS[name]) svg.append(shape('path', { d }));
  return svg;
}

/** The "Z": two strokes and, between them, a line of dots. @returns {SVGElement} */
export function mark() {
  const svg = frame('mark');
  svg.append(shape('path', { d: 'M5 5h14' }), shape('path', { d: 'M5 19h14' }));
  for (const [cx, cy] of MARK_DOTS) svg.append(shape('circle', { cx: String(cx), cy: String(cy), r: '1.35' }));
  return svg;
}

/** @param {string} className */
function frame(className) {
  return shape('svg', { class: className, viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false' });
}

/**
 * @param {string} tag
 * @param {Record<string, string>} attributes
 */
function shape(tag, attributes) {
  const element = /** @type {SVGElement} */ (document.createElementNS(SVG, tag));
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

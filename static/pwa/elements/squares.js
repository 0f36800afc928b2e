/** Draws a QR code from its rows of `0` and `1`. Dark on light in every theme, or a camera does not see it. */
import { h } from './dom.js';

/** Light squares around the code, so that a camera finds its edge (ISO/IEC 18004 §9.1). */
const QUIET = 4;
/** Pixels of a square: more than the page shows, so that it stays sharp on a dense screen. */
const PIXELS = 8;

/**
 * @param {string[]} rows as many as each is long
 * @param {string} label what those hear who do not see it
 * @returns {HTMLCanvasElement}
 */
export function squares(rows, label) {
  const side = (rows.length + 2 * QUIET) * PIXELS;
  const canvas = /** @type {HTMLCanvasElement} */ (h('canvas', { class: 'squares', role: 'img', 'aria-label': label, width: side, height: side }));
  const pen = canvas.getContext('2d');
  if (pen) draw(pen, rows, side);
  return canvas;
}

/** @param {CanvasRenderingContext2D} pen @param {string[]} rows @param {number} side */
function draw(pen, rows, side) {
  const style = getComputedStyle(document.documentElement);
  pen.fillStyle = style.getPropertyValue('--squares-light');
  pen.fillRect(0, 0, side, side);
  pen.fillStyle = style.getPropertyValue('--squares-dark');
  rows.forEach((row, y) => {
    for (let x = 0; x < row.length; x += 1) if (row[x] === '1') pen.fillRect((x + QUIET) * PIXELS, (y + QUIET) * PIXELS, PIXELS, PIXELS);
  });
}

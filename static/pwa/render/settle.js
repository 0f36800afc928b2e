/**
 * Makes the unfinished end of a growing text look like what it will become: markers that say nothing yet are held
 * back, an opened emphasis or code span is closed, half a link shows its words only. Pure, and only for the time of
 * streaming: the finished text is rendered as it is.
 */

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const FENCE_BEGUN = /^ {0,3}(?:`{3,}[^`\s][^`]*|~{3,}.*)$/;
const BARE_MARKER = /^\s*(?:[-*+_>]{1,3}|#{1,6}|\d{1,9}[.)]?|`{1,3}|~{1,3}|[-=]+|\|.*)\s*$/;
const TABLE_LINE = /^ {0,3}\|/;
const HALF_LINK = /!?\[([^\]\n]*)(?:\](?:\([^)\s]*)?)?$/;

/**
 * @param {string} text the part of the text that may still change
 * @returns {string}
 */
export function settle(text) {
  const lines = text.split('\n');
  if (insideFence(lines)) return holdHalfFence(lines);
  if (FENCE_BEGUN.test(lines.at(-1) ?? '')) return text;
  return closeInline(holdBack(lines).join('\n'));
}

/** @param {string[]} lines */
function insideFence(lines) {
  let open = '';
  for (const line of lines.slice(0, -1)) open = afterLine(open, line);
  return open !== '';
}

/**
 * @param {string} open the fence that is open, or ''
 * @param {string} line
 */
function afterLine(open, line) {
  const marker = FENCE.exec(line)?.[1] ?? '';
  if (!marker) return open;
  if (!open) return marker;
  const closes = marker[0] === open[0] && marker.length >= open.length && line.trim() === marker;
  return closes ? '' : open;
}

/** The closing fence comes in pieces; its first backticks are not code. @param {string[]} lines */
function holdHalfFence(lines) {
  const last = lines.at(-1) ?? '';
  return /^ {0,3}(`{1,2}|~{1,2})$/.test(last) ? lines.slice(0, -1).join('\n') : lines.join('\n');
}

/** @param {string[]} lines */
function holdBack(lines) {
  const kept = [...lines];
  if (BARE_MARKER.test(kept.at(-1) ?? '') && !isTableRow(kept)) kept[kept.length - 1] = '';
  return kept.slice(0, tableBegun(lines));
}

/**
 * Where the lines at the end begin that could be the head of a table but are no table yet: it is one as soon as its
 * second line is complete.
 * @param {string[]} lines
 */
function tableBegun(lines) {
  const complete = lines.at(-1) === '';
  const end = complete ? lines.length - 1 : lines.length;
  let start = end;
  while (start > 0 && TABLE_LINE.test(lines[start - 1] ?? '')) start -= 1;
  const size = end - start;
  return size === 1 || (size === 2 && !complete) ? start : lines.length;
}

/** @param {string[]} lines */
function isTableRow(lines) {
  return lines.length > 2 && lines.slice(-3).every((line) => TABLE_LINE.test(line));
}

/** @param {string} text */
function closeInline(text) {
  const from = text.lastIndexOf('\n\n') + 1;
  const last = text.slice(from);
  const spans = last.split('`');
  if (spans.length % 2 === 0) return text.slice(0, from) + closeCode(last, spans.at(-1) ?? '');
  return text.slice(0, from) + closeStrong(last.replace(HALF_LINK, '$1'));
}

/**
 * @param {string} text
 * @param {string} code
 */
function closeCode(text, code) {
  return code === '' ? text.slice(0, -1) : `${text}\``;
}

/** @param {string} text */
function closeStrong(text) {
  const outside = text.replace(/`[^`]*`/g, '');
  if ((outside.split('**').length - 1) % 2 === 0) return /(?<!\*)\*$/.test(text) && !/\*\*$/.test(text) ? text.slice(0, -1) : text;
  return /\*\*$/.test(text) ? text.slice(0, -2) : `${text.replace(/\*?\s*$/, '')}**`;
}

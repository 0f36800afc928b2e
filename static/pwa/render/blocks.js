/**
 * Which blocks of a growing Markdown text can change no more. Pure: works on the parser's top-level tokens.
 *
 * @typedef {{level: number, nesting: number, map: [number, number]|null, hidden?: boolean}} Token
 * @typedef {{blocks: number, chars: number}} Stable how many leading blocks are final, and how many characters they span
 */

/**
 * A block is final once a later block has begun on a line that is complete: Markdown is decided line by line, so the
 * line that closed it cannot be taken back. The last such later block, and what follows, may still change.
 * @param {Token[]} tokens
 * @param {string} text the text that was parsed
 * @returns {Stable}
 */
export function stableBlocks(tokens, text) {
  const starts = tokens.filter((token) => token.level === 0 && token.nesting >= 0 && token.map).map((token) => /** @type {[number, number]} */ (token.map)[0]);
  const completeLines = text.split('\n').length - 1;
  let blocks = 0;
  for (let index = 1; index < starts.length; index += 1) {
    if (/** @type {number} */ (starts[index]) < completeLines) blocks = index;
  }
  return { blocks, chars: blocks === 0 ? 0 : offsetOfLine(text, /** @type {number} */ (starts[blocks])) };
}

/**
 * @param {string} text
 * @param {number} line
 */
function offsetOfLine(text, line) {
  let offset = 0;
  for (let passed = 0; passed < line; passed += 1) offset = text.indexOf('\n', offset) + 1;
  return offset;
}

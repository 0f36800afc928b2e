/** Sizes of texts as the server counts them: bytes of UTF-8. */

/**
 * @param {string} text
 * @returns {number} bytes; a lone surrogate counts 3, as TextEncoder writes it
 */
export function byteLength(text) {
  let bytes = 0;
  for (const character of text) {
    const code = /** @type {number} */ (character.codePointAt(0));
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

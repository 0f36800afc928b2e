/**
 * Characters that nobody sees, yet that change what a line seems to say: bidirectional controls, fillers, zero-width
 * spaces, tags, terminal escapes. Here they get a name that can be seen. Pure text; `decorate` says where it is used.
 * The joiners U+200C and U+200D stay: Persian and emoji are written with them.
 * Source: "Trojan Source" (Boucher, Anderson 2021); Unicode TR 36 and TR 39.
 */

const UNSEEN = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\u3164\uFE00-\uFE0D\uFEFF\uFFA0\uFFF9-\uFFFB\u{E0000}-\u{E01EF}]/gu;
/** Turns the order of whatever follows: no language needs it in prose. */
const OVERRIDES = /[\u202D\u202E]/g;

/** In code and in links, where each character counts. @param {string} text */
export function showUnseen(text) {
  return text.replace(UNSEEN, named);
}

/** In prose: marks, embeddings and isolates are how right-to-left languages are written. @param {string} text */
export function showOverrides(text) {
  return text.replace(OVERRIDES, named);
}

/** @param {string} character */
function named(character) {
  const code = /** @type {number} */ (character.codePointAt(0));
  return `[U+${code.toString(16).toUpperCase().padStart(4, '0')}]`;
}

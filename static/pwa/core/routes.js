/** Addresses of the app and what they mean: `/` is a new chat, `/s/<id>` a session, `#…` a letter's link. Pure. */

const SESSION_PATH = /^\/s\/([0-9a-f-]{36})\/?$/i;
const LETTER_LINK = /^#(signup|reset|email)=([\w.~-]{1,512})$/;

/**
 * @param {string} path
 * @returns {string|null} the session's id, or null for a new chat
 */
export function sessionIn(path) {
  return SESSION_PATH.exec(path)?.[1]?.toLowerCase() ?? null;
}

/**
 * @param {string|null} sessionId
 * @returns {string}
 */
export function pathOf(sessionId) {
  return sessionId ? `/s/${sessionId}` : '/';
}

/**
 * What a letter's link asks for; its secret stands behind the #, which no browser sends.
 * @param {string} hash
 * @returns {{face: 'signup'|'reset'|'email', token: string}|null}
 */
export function linkIn(hash) {
  const found = LETTER_LINK.exec(hash);
  return found ? { face: /** @type {'signup'|'reset'|'email'} */ (found[1]), token: found[2] ?? '' } : null;
}

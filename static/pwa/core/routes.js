/** Addresses of the app and what they mean: `/` is a new chat, `/s/<id>` a session. Pure. */

const SESSION_PATH = /^\/s\/([0-9a-f-]{36})\/?$/i;

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

/**
 * How the messages above the oldest loaded one come: page by page, by hand of the reader. Pure.
 *
 * @typedef {import('./state.js').State} State
 * @typedef {import('./state.js').OpenSession} OpenSession
 * @typedef {import('./state.js').Older} Older
 * @typedef {import('./protocol.js').Message} Message
 */

/** @type {Older} */
export const NOTHING_OLDER = Object.freeze({ more: false, before: null, status: 'idle' });

/**
 * @param {State} state
 * @param {{session_id: string}} event
 * @returns {State}
 */
export function olderLoading(state, { session_id }) {
  return withOlder(state, session_id, (open) => ({ ...open, older: { ...open.older, status: 'loading' } }));
}

/**
 * A page of messages; `last` is false when the next one is asked for already. What is held in a later revision stays: a change may have come while the page was on its way.
 * @param {State} state
 * @param {{session_id: string, items: Message[], before: string|null, last?: boolean}} event
 * @returns {State}
 */
export function olderLoaded(state, { session_id, items, before, last = true }) {
  return withOlder(state, session_id, (open) => {
    const newer = items.filter((message) => (open.messages[message.id]?.revision ?? 0) < message.revision);
    const messages = { ...open.messages, ...Object.fromEntries(newer.map((message) => [message.id, message])) };
    return { ...open, messages, older: { more: before !== null, before, status: last ? 'idle' : 'loading' } };
  });
}

/**
 * @param {State} state
 * @param {{session_id: string}} event
 * @returns {State}
 */
export function olderFailed(state, { session_id }) {
  return withOlder(state, session_id, (open) => ({ ...open, older: { ...open.older, status: 'failed' } }));
}

/**
 * @param {State} state
 * @param {string} sessionId
 * @param {(open: OpenSession) => OpenSession} change
 * @returns {State}
 */
function withOlder(state, sessionId, change) {
  const open = state.open;
  return open && open.id === sessionId && open.older.more ? { ...state, open: change(open) } : state;
}

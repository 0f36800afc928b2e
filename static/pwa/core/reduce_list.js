/**
 * How the list of sessions changes. Pure. The revision rule: at most the held one is old news, the next one applies,
 * anything later means that something was missed and the list has to be asked for.
 *
 * @typedef {import('./state.js').State} State
 * @typedef {import('./state.js').SessionList} SessionList
 * @typedef {import('./protocol.js').Session} Session
 */
import { without } from './state.js';

/**
 * @param {State} state
 * @param {{session: Session, user_revision: number}} event
 * @returns {State}
 */
export function sessionUpdated(state, { session, user_revision }) {
  const listed = state.list.byId[session.id];
  if (listed && listed.revision > session.revision) return withList(state, advance(state.list, user_revision));
  const list = { ...advance(state.list, user_revision), byId: { ...state.list.byId, [session.id]: session } };
  return heardOf(withList(state, list), session);
}

/**
 * @param {State} state
 * @param {{session_id: string, user_revision: number}} event
 * @returns {State}
 */
export function sessionDeleted(state, { session_id, user_revision }) {
  const list = { ...advance(state.list, user_revision), byId: without(state.list.byId, [session_id]) };
  const next = withList(state, list);
  if (state.open?.id !== session_id) return next;
  return { ...next, open: { ...state.open, status: 'missing', runs: {} } };
}

/**
 * A page of the list, or what changed since a revision.
 * @param {State} state
 * @param {{items: Session[], deleted?: string[], revision: number, next?: string|null}} event
 * @returns {State}
 */
export function listLoaded(state, { items, deleted = [], revision, next }) {
  const byId = without(state.list.byId, deleted);
  for (const session of items) byId[session.id] = session;
  const list = { byId, ready: true, behind: false, revision: Math.max(state.list.revision, revision), next: next === undefined ? state.list.next : next };
  const open = state.open && deleted.includes(state.open.id) ? { ...state.open, status: /** @type {const} */ ('missing') } : state.open;
  const updated = open && byId[open.id];
  const reduced = { ...state, list, open };
  return updated ? heardOf(reduced, updated) : reduced;
}

/**
 * The open session takes the new title at once. Its revision is only noted: messages may be on their way. A row that is
 * older than what is held of the session (the list was asked earlier) tells nothing new, and its leaf would be wrong.
 * @param {State} state
 * @param {Session} session
 * @returns {State}
 */
function heardOf(state, session) {
  const open = state.open;
  if (!open || open.id !== session.id || session.revision < open.revision) return state;
  return { ...state, open: { ...open, session, seen: Math.max(open.seen, session.revision) } };
}

/**
 * @param {SessionList} list
 * @param {number} revision
 * @returns {SessionList}
 */
function advance(list, revision) {
  if (revision <= list.revision) return list;
  if (revision > list.revision + 1 && list.ready) return { ...list, behind: true };
  return { ...list, revision };
}

/**
 * @param {State} state
 * @param {SessionList} list
 * @returns {State}
 */
function withList(state, list) {
  return { ...state, list };
}

/**
 * Newest activity first.
 * @param {Record<string, Session>} byId
 * @returns {Session[]}
 */
export function sortedSessions(byId) {
  return Object.values(byId).sort((a, b) => (a.updated_at === b.updated_at ? 0 : a.updated_at < b.updated_at ? 1 : -1));
}

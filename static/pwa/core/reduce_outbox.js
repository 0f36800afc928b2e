/**
 * How messages wait until the server has them. Pure. An entry leaves only when its message has arrived, or when the
 * person takes it back.
 *
 * @typedef {import('./state.js').State} State
 * @typedef {import('./state.js').OutboxEntry} OutboxEntry
 */
import { isUnsent } from './state.js';

/**
 * @param {State} state
 * @param {{entry: OutboxEntry}} event
 * @returns {State}
 */
export function entryQueued(state, { entry }) {
  if (state.outbox.some((other) => other.client_id === entry.client_id)) return state;
  return { ...state, outbox: [...withoutArrived(state), entry], notice: null };
}

/**
 * @param {State} state
 * @param {{client_id: string, change: Partial<OutboxEntry>}} event
 * @returns {State}
 */
export function entryChanged(state, { client_id, change }) {
  return { ...state, outbox: state.outbox.map((entry) => (entry.client_id === client_id ? { ...entry, ...change } : entry)) };
}

/**
 * @param {State} state
 * @param {{client_id: string}} event
 * @returns {State}
 */
export function entryDropped(state, { client_id }) {
  return { ...state, outbox: state.outbox.filter((entry) => entry.client_id !== client_id) };
}

/**
 * The server has the message; the entry stays on screen, as `sent`, until the message itself arrives. A session that
 * existed only here gets its real id, also in what waits behind it; the open session is then asked for, because its
 * first events may have come before this answer.
 * @param {State} state
 * @param {{client_id: string, session_id: string, help?: string|null}} event
 * @returns {State}
 */
export function entryAcknowledged(state, { client_id, session_id, help = null }) {
  const sent = state.outbox.find((entry) => entry.client_id === client_id);
  if (!sent) return state;
  const outbox = state.outbox.map((entry) => (entry.session_id === sent.session_id ? { ...entry, session_id } : entry));
  const renamed = state.open && isUnsent(sent.session_id) && state.open.id === sent.session_id;
  const open = renamed && state.open ? { ...state.open, id: session_id, behind: true } : state.open;
  return entryChanged({ ...state, outbox, open, help: help ? { session_id, text: help } : state.help }, { client_id, change: { state: 'sent', error: null } });
}

/**
 * What waits for this session and is not among its messages yet.
 * @param {State} state
 * @returns {OutboxEntry[]}
 */
export function pendingOf(state) {
  const open = state.open;
  return open ? withoutArrived(state).filter((entry) => entry.session_id === open.id) : [];
}

/**
 * @param {State} state
 * @returns {OutboxEntry[]}
 */
function withoutArrived(state) {
  if (state.outbox.length === 0) return state.outbox;
  const arrived = new Set(Object.values(state.open?.messages ?? {}).map((message) => message.client_id));
  return state.outbox.filter((entry) => !arrived.has(entry.client_id));
}

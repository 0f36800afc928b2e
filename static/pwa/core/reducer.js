/**
 * `(state, event) → state`, for every event of the server, one to one, and for what happens on this page (`local.*`).
 * Pure. An event of an unknown type is ignored and counted: an old page must survive a new server.
 *
 * @typedef {import('./state.js').State} State
 */
import { listLoaded, sessionDeleted, sessionUpdated } from './reduce_list.js';
import { olderFailed, olderLoaded, olderLoading } from './reduce_older.js';
import { messageCreated, messageDeleted, sessionOpened, sessionOpening } from './reduce_open.js';
import { entryAcknowledged, entryChanged, entryDropped, entryQueued } from './reduce_outbox.js';
import { runCompleted, runDelta, runQueued, runReset, runStarted } from './reduce_runs.js';
import { EMPTY_STATE } from './state.js';

/** @type {Readonly<Record<string, (state: State, event: any) => State>>} */
const REDUCERS = Object.freeze({
  'message.created': messageCreated,
  'message.deleted': messageDeleted,
  'session.updated': sessionUpdated,
  'session.deleted': sessionDeleted,
  'run.queued': runQueued,
  'run.started': runStarted,
  'run.delta': runDelta,
  'run.reset': runReset,
  'run.completed': runCompleted,

  'local.app': (state, { app }) => ({ ...state, app }),
  'local.signed_in': signedIn,
  'local.signed_out': (state, { notice = null }) => ({ ...EMPTY_STATE, account: 'out', door: state.door, app: state.app, notice }),
  'local.door': (state, { door }) => ({ ...state, door }),
  'local.phase': (state, { phase }) => ({ ...state, phase, connected_before: state.connected_before || phase === 'online' }),
  'local.detour': (state, { detour }) => ({ ...state, detour }),
  'local.notice': (state, { notice, again_at = null }) => ({ ...state, notice, again_at }),
  'local.list_loaded': listLoaded,
  'local.session_opening': sessionOpening,
  'local.session_opened': sessionOpened,
  'local.session_missing': (state) => ({ ...state, open: state.open && { ...state.open, status: 'missing', behind: false } }),
  'local.session_closed': (state) => ({ ...state, open: null, notice: null }),
  'local.behind': (state) => ({ ...state, open: state.open && { ...state.open, behind: true } }),
  'local.asked': (state) => ({ ...state, open: state.open && { ...state.open, behind: false } }),
  'local.older_loading': olderLoading,
  'local.older_loaded': olderLoaded,
  'local.older_failed': olderFailed,
  'local.leaf': (state, { leaf }) => ({ ...state, open: state.open && { ...state.open, leaf } }),
  'local.entry_queued': entryQueued,
  'local.entry_changed': entryChanged,
  'local.entry_dropped': entryDropped,
  'local.entry_acknowledged': entryAcknowledged,
});

/**
 * @param {State} state
 * @param {{type: string, [key: string]: unknown}} event
 * @returns {State}
 */
export function reduce(state, event) {
  const reducer = Object.hasOwn(REDUCERS, event.type) ? REDUCERS[event.type] : undefined;
  return reducer ? reducer(state, event) : { ...state, ignored: state.ignored + 1 };
}

/**
 * Whoever comes finds nothing of whoever left, not even what an answer brought after the sign-out.
 * @param {State} state
 * @param {{user: import('./protocol.js').User}} event
 * @returns {State}
 */
function signedIn(state, { user }) {
  const { list, open, outbox, help } = state.user?.id === user.id ? state : EMPTY_STATE;
  const notice = state.account === 'in' ? state.notice : null;
  return { ...state, account: 'in', user, list, open, outbox, help, notice };
}

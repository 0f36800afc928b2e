/**
 * How the session on screen changes: its messages, its revision, what is asked and answered. Pure. What its runs say
 * is in reduce_runs.
 *
 * @typedef {import('./state.js').State} State
 * @typedef {import('./state.js').OpenSession} OpenSession
 * @typedef {import('./state.js').Run} Run
 * @typedef {import('./protocol.js').Message} Message
 * @typedef {import('./protocol.js').Opened} Opened
 */
import { NOTHING_HELD } from './positions.js';
import { HOLDS_PER_OPEN, isLive } from './protocol.js';
import { NOTHING_OLDER } from './reduce_older.js';
import { emptyOpen, without } from './state.js';

/**
 * Shows a session at once with what is kept of it (from this device), before the server has answered.
 * @param {State} state
 * @param {{session_id: string, kept?: {revision: number, messages: Record<string, Message>, older?: import('./state.js').Older}|null}} event
 * @returns {State}
 */
export function sessionOpening(state, { session_id, kept }) {
  const base = { ...emptyOpen(session_id), session: state.list.byId[session_id] ?? null };
  const open = kept ? { ...base, ...kept, seen: kept.revision, status: /** @type {const} */ ('ready') } : base;
  return { ...state, open, notice: null, outbox: state.outbox.filter((entry) => entry.state !== 'sent') };
}

/**
 * The answer to `session.open`: what changed since the held revision, and which runs are live. When not everything
 * fitted into it, the rest is either above what came (asked from 0) or after it (then the page is still behind).
 * @param {State} state
 * @param {{opened: Opened, fresh: boolean}} event `fresh`: the question was asked with revision 0
 * @returns {State}
 */
export function sessionOpened(state, { opened, fresh }) {
  const open = state.open;
  if (!open || open.id !== opened.session.id) return state;
  const messages = fresh ? {} : without(open.messages, opened.deleted);
  for (const message of opened.messages) messages[message.id] = message;
  const runs = Object.fromEntries(opened.runs.map((run) => [run.run_id, takeUp(open.runs[run.run_id], run)]));
  const revision = Math.max(fresh ? 0 : open.revision, opened.revision);
  const older = fresh ? { ...NOTHING_OLDER, more: opened.more, before: opened.before ?? null } : askable(open.older);
  const behind = opened.more && !fresh && revision > open.revision;
  const leaf = open.leaf && messages[open.leaf] ? open.leaf : null;
  return { ...state, open: { ...open, session: opened.session, messages, older, runs, revision, leaf, seen: revision, status: 'ready', behind } };
}

/**
 * A connection is back: what failed without one is worth asking for again.
 * @param {import('./state.js').Older} older
 * @returns {import('./state.js').Older}
 */
function askable(older) {
  return older.status === 'failed' ? { ...older, status: 'idle' } : older;
}

/**
 * @param {State} state
 * @param {{session_id: string, revision: number, message: Message}} event
 * @returns {State}
 */
export function messageCreated(state, { session_id, revision, message }) {
  return onRevision(state, session_id, revision, (open) => ({
    ...open,
    messages: { ...open.messages, [message.id]: message },
    runs: withRunOf(open.runs, message),
    session: open.session && { ...open.session, leaf_id: message.id },
    leaf: null,
  }));
}

/**
 * @param {State} state
 * @param {{session_id: string, message_id: string, revision: number}} event
 * @returns {State}
 */
export function messageDeleted(state, { session_id, message_id, revision }) {
  return onRevision(state, session_id, revision, (open) => ({ ...open, messages: without(open.messages, [message_id]) }));
}

/**
 * The revision rule for the open session.
 * @param {State} state
 * @param {string} sessionId
 * @param {number} revision
 * @param {(open: OpenSession) => OpenSession} change
 * @returns {State}
 */
export function onRevision(state, sessionId, revision, change) {
  const open = state.open;
  if (!open || open.id !== sessionId || revision <= open.revision) return state;
  if (revision > open.revision + 1) return { ...state, open: { ...open, seen: revision, behind: true } };
  return { ...state, open: { ...change(open), revision, seen: Math.max(open.seen, revision) } };
}

/**
 * What `session.open` says we hold of the live parts.
 * @param {OpenSession} open
 * @returns {import('./protocol.js').Position[]}
 */
export function holdsOf(open) {
  const holds = Object.values(open.runs).flatMap((run) =>
    Object.entries(run.parts)
      .filter(([, held]) => held.epoch === run.epoch && held.offset > 0)
      .map(([part, held]) => ({ run_id: run.run_id, part: /** @type {'text'|'reasoning'} */ (part), epoch: held.epoch, offset: held.offset })),
  );
  return holds.slice(0, HOLDS_PER_OPEN);
}

/**
 * @param {{run_id: string, message_id: string, status: import('./protocol.js').RunStatus, epoch: number}} run
 * @returns {Run}
 */
export function newRun({ run_id, message_id, status, epoch }) {
  return { run_id, message_id, status, epoch, place: null, parts: { text: NOTHING_HELD, reasoning: NOTHING_HELD } };
}

/**
 * @param {Run|undefined} held
 * @param {import('./protocol.js').LiveRun} told
 * @returns {Run}
 */
function takeUp(held, told) {
  const base = held ?? newRun(told);
  return { ...base, status: told.status, epoch: Math.max(base.epoch, told.epoch), place: told.place };
}

/**
 * @param {Record<string, Run>} runs
 * @param {Message} message
 */
function withRunOf(runs, message) {
  const run = message.run;
  if (!run || !isLive(run.status) || runs[run.id]) return runs;
  return { ...runs, [run.id]: newRun({ run_id: run.id, message_id: message.id, status: run.status, epoch: run.epoch }) };
}

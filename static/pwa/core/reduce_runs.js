/**
 * How a live answer grows and ends. Pure.
 *
 * @typedef {import('./state.js').State} State
 * @typedef {import('./state.js').OpenSession} OpenSession
 * @typedef {import('./state.js').Run} Run
 */
import { applyPiece } from './positions.js';
import { newRun } from './reduce_open.js';
import { without } from './state.js';

/**
 * @param {State} state
 * @param {{session_id: string, run_id: string, message_id: string, place: number}} event
 * @returns {State}
 */
export function runQueued(state, event) {
  return onRun(state, event, (run) => ({ ...run, status: 'queued', place: event.place }));
}

/**
 * @param {State} state
 * @param {{session_id: string, run_id: string, message_id: string, epoch: number}} event
 * @returns {State}
 */
export function runStarted(state, event) {
  return onRun(state, event, (run) => ({ ...run, status: 'streaming', place: null, epoch: Math.max(run.epoch, event.epoch) }));
}

/**
 * A new epoch is only announced here: the old text stays on screen until the first piece of the new one replaces it.
 * @param {State} state
 * @param {{session_id: string, run_id: string, message_id: string, epoch: number}} event
 * @returns {State}
 */
export function runReset(state, event) {
  return onRun(state, event, (run) => (event.epoch <= run.epoch ? run : { ...run, epoch: event.epoch, status: 'streaming' }));
}

/**
 * @param {State} state
 * @param {import('./protocol.js').RunDelta} event
 * @returns {State}
 */
export function runDelta(state, event) {
  return onRun(state, event, (run, fault) => {
    const { part, verdict } = applyPiece(run.parts[event.part], event);
    if (verdict === 'gap') fault();
    if (verdict !== 'applied') return run;
    const epoch = Math.max(run.epoch, event.epoch);
    return { ...run, epoch, status: 'streaming', place: null, parts: { ...run.parts, [event.part]: part } };
  });
}

/**
 * Applied whatever its revision while its run has not ended here: to a slow viewer it comes behind later events. One
 * from beyond the next revision ends the run too, and what lies between is asked for.
 * @param {State} state
 * @param {import('./protocol.js').RunCompleted} event
 * @returns {State}
 */
export function runCompleted(state, event) {
  const open = state.open;
  if (!open || open.id !== event.session_id || hasEnded(open, event)) return state;
  const { message, run_id, revision } = event;
  const gap = revision > open.revision + 1;
  const messages = { ...open.messages, [message.id]: message };
  return {
    ...state,
    open: {
      ...open,
      messages,
      runs: without(open.runs, [run_id]),
      revision: gap ? open.revision : Math.max(open.revision, revision),
      seen: Math.max(open.seen, revision),
      behind: open.behind || gap,
    },
  };
}

/**
 * An event of a run that has ended, or whose message is not known, changes nothing but asks for what was missed.
 * @param {State} state
 * @param {{session_id: string, run_id: string, message_id: string}} event
 * @param {(run: Run, fault: () => void) => Run} change
 * @returns {State}
 */
function onRun(state, event, change) {
  const open = state.open;
  if (!open || open.id !== event.session_id || hasEnded(open, event)) return state;
  const known = open.runs[event.run_id];
  const run = known ?? newRun({ ...event, status: 'queued', epoch: 0 });
  let behind = open.behind || !open.messages[event.message_id];
  const changed = change(run, () => (behind = true));
  if (changed === known && behind === open.behind) return state;
  return { ...state, open: { ...open, behind, runs: { ...open.runs, [run.run_id]: changed } } };
}

/**
 * @param {OpenSession} open
 * @param {{run_id: string, message_id: string}} event
 */
function hasEnded(open, { run_id, message_id }) {
  const record = open.messages[message_id]?.run;
  return record?.id === run_id && ['completed', 'stopped', 'failed'].includes(record.status);
}

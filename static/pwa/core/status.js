/**
 * The one line above the composer: what is the matter, in words, and the next step. Pure.
 *
 * @typedef {import('./state.js').State} State
 * @typedef {import('./screen.js').Row} Row
 * @typedef {{text: string, tone: 'quiet'|'wait'|'fail', action: null|{label: string, name: ActionName, id: string}, late: boolean,
 *            again: null|{lead: string, at: number}}} Line
 *   `late`: shown only when it lasts, so that what is over at once never flickers. `again`: words before a time that runs
 *   down, and when it has.
 * @typedef {'retry'|'resend'|'reword'|'connect'|'edit-last'} ActionName
 */
import { isLive } from './protocol.js';
import { causeOf, sentence } from './times.js';

/** Sent again as it is, it would be refused again. */
const REWORD_CODES = new Set(['blocked', 'too_large']);

/**
 * @param {State} state
 * @param {Row[]} rows
 * @returns {Line|null}
 */
export function statusLine(state, rows) {
  const urgent = connectionLine(state) ?? outboxLine(rows) ?? noticeLine(state);
  if (urgent) return urgent;
  const [run, detour] = [runLine(rows.at(-1)), detourLine(state)];
  // What comes and goes with every answer must not make the line blink.
  return run && !(run.late && detour) ? run : detour;
}

const DETOUR_WORDS = {
  refused: 'The live connection is blocked on the way',
  silent: 'The live connection gets no answer',
  cut: 'The live connection is cut on the way',
};

/**
 * What does not work, and what that means for the person; there is nothing to do, for it is tried again by itself.
 * @param {State} state
 * @returns {Line|null}
 */
function detourLine({ detour }) {
  if (!detour) return null;
  const instead = detour.held ? 'Text is held back too and comes in pieces' : 'Using a slower one';
  return line(`${DETOUR_WORDS[detour.why]}. ${instead}`, 'quiet');
}

/**
 * @param {State} state
 * @returns {Line|null}
 */
function connectionLine({ phase, outbox, connected_before }) {
  const kept = outbox.some((entry) => entry.state === 'waiting' || entry.state === 'sending');
  if (phase === 'offline') {
    return line(kept ? 'You are offline. Your message is kept and goes out when you are back' : 'You are offline. What is on this device stays readable', 'wait');
  }
  if (phase === 'waiting' || (phase === 'connecting' && connected_before)) {
    return line(kept ? 'Reconnecting… your message is kept' : 'Reconnecting…', 'wait', action('Now', 'connect'), true);
  }
  return phase === 'connecting' ? line(kept ? 'Connecting… your message is kept' : 'Connecting…', 'quiet', null, true) : null;
}

/**
 * @param {Row[]} rows
 * @returns {Line|null}
 */
function outboxLine(rows) {
  const failed = rows.find((row) => row.pending?.state === 'failed')?.pending;
  if (failed) return refusedLine(failed);
  const delayed = rows.find((row) => row.pending?.error)?.pending;
  if (!delayed?.error) return null;
  return withTime(line(`${causeOf(delayed.error.message)} Your message is kept`, 'wait'), 'and goes out', delayed.error.again_at);
}

/**
 * @param {import('./state.js').OutboxEntry} entry
 * @returns {Line}
 */
function refusedLine({ error, client_id }) {
  const next = REWORD_CODES.has(error?.code ?? '') ? action('Edit', 'reword', client_id) : action('Try again', 'resend', client_id);
  return withTime(line(`Not sent: ${causeOf(error?.message ?? 'the server did not take it')}`, 'fail', next), 'Possible again', error?.again_at);
}

/**
 * @param {State} state
 * @returns {Line|null}
 */
function noticeLine({ notice, again_at }) {
  if (!notice) return null;
  return again_at ? withTime(line(causeOf(notice), 'fail'), 'Try again', again_at) : line(notice, 'fail');
}

/**
 * @param {Line} untimed
 * @param {string} lead
 * @param {number|null|undefined} at
 * @returns {Line}
 */
function withTime(untimed, lead, at) {
  return at ? { ...untimed, again: { lead, at } } : untimed;
}

/**
 * @param {Row|undefined} row
 * @returns {Line|null}
 */
function runLine(row) {
  const record = row?.message?.run;
  if (!row || !record) return null;
  if (row.run && isLive(row.run.status)) return liveLine(row);
  if (record.status === 'stopped') return line('Answer stopped', 'quiet', action('Try again', 'retry', row.message?.id));
  if (record.status !== 'failed') return null;
  const next = record.error?.code === 'context_too_long' ? action('Edit', 'edit-last') : action('Try again', 'retry', row.message?.id);
  return line(sentence(record.error?.message ?? 'The answer failed.'), 'fail', next);
}

/**
 * @param {Row} row
 * @returns {Line|null}
 */
function liveLine(row) {
  const run = /** @type {import('./state.js').Run} */ (row.run);
  if (run.status === 'queued' && run.place) return line(`Waiting for a free place: ${run.place > 1 ? `${run.place - 1} before you` : 'you are next'}`, 'wait');
  if (row.text) return null;
  return line(row.reasoning ? `${row.name} is thinking` : `${row.name} is reading your message`, 'quiet', null, true);
}

/**
 * @param {string} text
 * @param {Line['tone']} tone
 * @param {Line['action']} [next]
 * @param {boolean} [late]
 * @returns {Line}
 */
function line(text, tone, next = null, late = false) {
  return { text, tone, action: next, late, again: null };
}

/**
 * @param {string} label
 * @param {ActionName} name
 * @param {string} [id]
 */
function action(label, name, id = '') {
  return { label, name, id };
}

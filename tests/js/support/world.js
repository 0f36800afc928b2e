/** A server in miniature for the reducer's tests: it makes the events that the real one would send. */
import { createHash } from 'node:crypto';
import { reduce } from '../../../static/pwa/core/reducer.js';
import { EMPTY_STATE } from '../../../static/pwa/core/state.js';

export const SESSION = '0192f3c4-0000-7000-8000-000000000001';

/** @param {object[]} events @param {object} [state] */
export function after(events, state = EMPTY_STATE) {
  return events.reduce((held, event) => reduce(held, event), state);
}

export function session(fields = {}) {
  return { id: SESSION, title: 'Rainbows', created_at: '2026-11-22T09:00:00Z', updated_at: '2026-11-22T09:00:00Z', revision: 0, user_revision: 1, leaf_id: null, ...fields };
}

export function message(id, fields = {}) {
  return { id, session_id: SESSION, parent_id: null, role: 'user', text: id, reasoning: '', client_id: null, model: null, revision: 1, created_at: `2026-11-22T09:00:0${id.length % 10}Z`, run: null, ...fields };
}

export function run(id, fields = {}) {
  return { id, status: 'queued', epoch: 1, error: null, usage: null, ends: null, sha256: null, ...fields };
}

/** The open session with a question and an answer that is being written: revision 2. */
export function answering() {
  const question = message('q', { revision: 1, client_id: 'client-q' });
  const answer = message('answer', { parent_id: 'q', role: 'assistant', text: '', revision: 2, run: run('run', { status: 'streaming' }) });
  return after([
    { type: 'local.signed_in', user: { id: 'u' } },
    { type: 'local.session_opening', session_id: SESSION },
    { type: 'local.session_opened', fresh: true, opened: { session: session({ revision: 2, leaf_id: 'answer' }), revision: 2, messages: [question, answer], deleted: [], more: false, runs: [{ run_id: 'run', message_id: 'answer', status: 'streaming', epoch: 1, place: null }] } },
  ]);
}

/** @param {number} at @param {string} text */
export function delta(at, text, fields = {}) {
  return { type: 'run.delta', session_id: SESSION, run_id: 'run', message_id: 'answer', part: 'text', epoch: 1, at, end: at + Buffer.byteLength(text), text, ...fields };
}

/** @param {string} text */
export function completed(text, fields = {}) {
  const sha256 = { text: createHash('sha256').update(text).digest('hex') };
  const ended = run('run', { status: 'completed', ends: { text: Buffer.byteLength(text) }, sha256, ...fields.run });
  return { type: 'run.completed', session_id: SESSION, run_id: 'run', message_id: 'answer', status: ended.status, ends: ended.ends, sha256, usage: null, error: ended.error, revision: 3, message: message('answer', { parent_id: 'q', role: 'assistant', text, revision: 3, run: ended }) };
}

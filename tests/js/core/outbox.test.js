/** Messages that wait: shown at once, kept until they arrive, never shown twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastQuestion, rowsOf } from '../../../static/pwa/core/screen.js';
import { after, answering, message, session, SESSION } from '../support/world.js';

const entry = (fields = {}) => ({ client_id: 'c1', session_id: SESSION, message_id: null, parent_id: null, text: 'And the sea?', created_at: '2026-11-22T09:01:00Z', state: 'waiting', error: null, ...fields });
const keys = (state) => rowsOf(state).map((row) => row.key);
const created = { type: 'message.created', session_id: SESSION, revision: 3, message: message('q2', { parent_id: 'answer', client_id: 'c1', revision: 3 }) };

test('a message is on screen before the server has it', () => {
  assert.deepEqual(keys(after([{ type: 'local.entry_queued', entry: entry() }], answering())), ['client-q', 'answer', 'c1']);
});

test('the message of the server takes the same row', () => {
  const state = after([{ type: 'local.entry_queued', entry: entry() }, created], answering());
  assert.deepEqual(keys(state), ['client-q', 'answer', 'c1']);
});

test('an acknowledged message stays on screen until it arrives', () => {
  const state = after([{ type: 'local.entry_queued', entry: entry() }, { type: 'local.entry_acknowledged', client_id: 'c1', session_id: SESSION }], answering());
  assert.deepEqual(keys(state), ['client-q', 'answer', 'c1']);
});

test('words of help stay with the chat whose message they came for', () => {
  const acknowledged = { type: 'local.entry_acknowledged', client_id: 'c1', session_id: SESSION };
  const state = after([{ type: 'local.entry_queued', entry: entry() }, { ...acknowledged, help: 'Call somebody.' }], answering());
  assert.deepEqual(state.help, { session_id: SESSION, text: 'Call somebody.' });
  assert.deepEqual(after([{ type: 'local.entry_queued', entry: entry() }, acknowledged], state).help, state.help);
});

test('a message is not queued twice', () => {
  const event = { type: 'local.entry_queued', entry: entry() };
  assert.equal(after([event, event], answering()).outbox.length, 1);
});

test('the first message of a new chat gives its real id to the session and to what waits behind it', () => {
  const state = after([
    { type: 'local.session_opening', session_id: 'new:1', kept: { revision: 0, messages: {} } },
    { type: 'local.entry_queued', entry: entry({ session_id: 'new:1' }) },
    { type: 'local.entry_queued', entry: entry({ session_id: 'new:1', client_id: 'c2' }) },
    { type: 'local.entry_acknowledged', client_id: 'c1', session_id: SESSION },
  ]);
  assert.deepEqual([state.open.id, state.open.behind, state.outbox.map((e) => e.session_id)], [SESSION, true, [SESSION, SESSION]]);
});

test('an edit on its way stands where the edited question was', () => {
  const state = after([{ type: 'local.entry_queued', entry: entry({ message_id: 'q' }) }], answering());
  assert.deepEqual(keys(state), ['c1']);
});

test('versions of a turn are known and the chosen one is shown', () => {
  const other = message('q-edited', { revision: 3, created_at: '2026-11-22T09:30:00Z' });
  const edited = after([{ type: 'message.created', session_id: SESSION, revision: 3, message: other }], answering());
  assert.deepEqual(rowsOf(edited).map((row) => row.versions), [['q', 'q-edited']]);
  assert.deepEqual(keys(after([{ type: 'local.leaf', leaf: 'answer' }], edited)), ['client-q', 'answer']);
});

test('arrow up edits the last question that the server has', () => {
  const state = after([{ type: 'local.entry_queued', entry: entry() }], answering());
  assert.equal(lastQuestion(rowsOf(state))?.message.id, 'q');
});

test('opening another session forgets what was acknowledged, not what waits', () => {
  const state = after([
    { type: 'local.entry_queued', entry: entry() },
    { type: 'local.entry_queued', entry: entry({ client_id: 'c2' }) },
    { type: 'local.entry_acknowledged', client_id: 'c1', session_id: SESSION },
    { type: 'local.session_opening', session_id: session({ id: 'other' }).id },
  ], answering());
  assert.deepEqual(state.outbox.map((e) => e.client_id), ['c2']);
});

/** What the events of the server do to the state: revisions, the growing answer, epochs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVENT_TYPES } from '../../../static/pwa/core/protocol.js';
import { holdsOf } from '../../../static/pwa/core/reduce_open.js';
import { reduce } from '../../../static/pwa/core/reducer.js';
import { rowsOf } from '../../../static/pwa/core/screen.js';
import { EMPTY_STATE } from '../../../static/pwa/core/state.js';
import { after, answering, completed, delta, message, run, session, SESSION } from '../support/world.js';

const shown = (state) => rowsOf(state).at(-1)?.text;

test('an event of an unknown type is ignored and counted', () => {
  const state = after([{ type: 'message.sang' }, { type: 'constructor' }, { type: '__proto__' }]);
  assert.deepEqual(state, { ...EMPTY_STATE, ignored: 3 });
});

test('who signs in finds nothing of who was there before, nor what came in between', () => {
  const late = { type: 'local.list_loaded', items: [session()], revision: 7 };
  for (const between of [[{ type: 'local.signed_out' }, late], [late], []]) {
    const state = [...between, { type: 'local.signed_in', user: { id: 'other' } }].reduce(reduce, answering());
    assert.deepEqual([state.user.id, state.list, state.open, state.outbox], ['other', EMPTY_STATE.list, null, []]);
  }
  assert.notEqual(reduce(answering(), { type: 'local.signed_in', user: { id: 'u' } }).open, null);
});

test('every event of the protocol has a reducer', () => {
  for (const type of EVENT_TYPES) {
    const state = reduce(EMPTY_STATE, { type, session: session(), user_revision: 1, message: message('m'), session_id: SESSION, revision: 1 });
    assert.equal(state.ignored, 0, type);
  }
});

test('deltas in order make the answer', () => {
  assert.equal(shown(after([delta(0, 'Light '), delta(6, 'bends')], answering())), 'Light bends');
});

test('a repeated delta is dropped', () => {
  const state = after([delta(0, 'Light '), delta(0, 'Light '), delta(6, 'bends')], answering());
  assert.deepEqual([shown(state), state.open.behind], ['Light bends', false]);
});

test('a delta beyond the held text makes the page ask again and shows nothing of it', () => {
  const state = after([delta(0, 'Light '), delta(9, 'ds')], answering());
  assert.deepEqual([shown(state), state.open.behind], ['Light ', true]);
});

test('what is held is told as positions', () => {
  assert.deepEqual(holdsOf(after([delta(0, 'Lïght')], answering()).open), [{ run_id: 'run', part: 'text', epoch: 1, offset: 6 }]);
});

test('a reset keeps the old text on screen until the new epoch has text', () => {
  const reset = after([delta(0, 'Old text'), { type: 'run.reset', session_id: SESSION, run_id: 'run', message_id: 'answer', epoch: 2 }], answering());
  assert.equal(shown(reset), 'Old text');
  assert.equal(shown(after([delta(0, 'Old', { epoch: 2 })], reset)), 'Old');
});

test('after a reset nothing of the old epoch is claimed as held', () => {
  const reset = after([delta(0, 'Old'), { type: 'run.reset', session_id: SESSION, run_id: 'run', message_id: 'answer', epoch: 2 }], answering());
  assert.deepEqual(holdsOf(reset.open), []);
});

test('a straggler of the old epoch is dropped after the reset', () => {
  const state = after([delta(0, 'Old'), delta(0, 'New', { epoch: 2 }), delta(3, ' tail')], answering());
  assert.deepEqual([shown(state), state.open.behind], ['New', false]);
});

test('the end of a run puts the final message in its place', () => {
  const state = after([delta(0, 'Light'), completed('Light bends')], answering());
  assert.deepEqual([shown(state), Object.keys(state.open.runs), state.open.revision], ['Light bends', [], 3]);
});

test('the end of a run is applied behind later events too', () => {
  const state = after([delta(0, 'Light'), { type: 'message.created', session_id: SESSION, revision: 3, message: message('later') }, completed('Light bends')], answering());
  assert.deepEqual([state.open.messages.answer.text, Object.keys(state.open.runs), state.open.revision], ['Light bends', [], 3]);
});

test('the end of a run from beyond the next revision ends it and asks for what lies between', () => {
  const state = after([{ ...completed('Light bends'), revision: 5 }], answering());
  assert.deepEqual([shown(state), state.open.behind, state.open.revision], ['Light bends', true, 2]);
});

test('a delta after the end of its run changes nothing', () => {
  const ended = after([completed('Light bends')], answering());
  assert.equal(after([delta(0, 'Light')], ended), ended);
});

test('a revision that is held already is old news', () => {
  const state = answering();
  assert.equal(after([{ type: 'message.created', session_id: SESSION, revision: 2, message: message('late') }], state), state);
});

test('a revision beyond the next one makes the page ask again', () => {
  const state = after([{ type: 'message.created', session_id: SESSION, revision: 4, message: message('far') }], answering());
  assert.deepEqual([state.open.behind, state.open.revision, 'far' in state.open.messages], [true, 2, false]);
});

test('an event of another session does not touch the open one', () => {
  const state = answering();
  assert.equal(after([delta(0, 'x', { session_id: 'other' })], state), state);
});

test('a resumed session keeps what is held of a live answer', () => {
  const opened = { session: session({ revision: 2, leaf_id: 'answer' }), revision: 2, messages: [], deleted: [], more: false, runs: [{ run_id: 'run', message_id: 'answer', status: 'streaming', epoch: 1, place: null }] };
  const state = after([delta(0, 'Light '), { type: 'local.session_opened', opened, fresh: false }, delta(6, 'bends')], answering());
  assert.equal(shown(state), 'Light bends');
});

test('asking with revision 0 replaces everything that was held', () => {
  const opened = { session: session({ revision: 9, leaf_id: 'only' }), revision: 9, messages: [message('only', { revision: 9 })], deleted: [], more: false, runs: [] };
  const state = after([{ type: 'local.session_opened', opened, fresh: true }], answering());
  assert.deepEqual([Object.keys(state.open.messages), state.open.revision], [['only'], 9]);
});

test('events applied to a stale snapshot equal a fetch made afterwards', () => {
  const final = completed('Light bends').message;
  const followUp = message('q2', { parent_id: 'answer', revision: 4 });
  const live = after([delta(0, 'Light'), delta(5, ' bends'), completed('Light bends'), { type: 'message.created', session_id: SESSION, revision: 4, message: followUp }], answering());
  const question = answering().open.messages.q;
  const fetched = after([{ type: 'local.session_opened', fresh: true, opened: { session: live.open.session, revision: 4, messages: [question, final, followUp], deleted: [], more: false, runs: [] } }], answering());
  assert.deepEqual(live.open, fetched.open);
});

test('a queued run tells its place until it starts', () => {
  const placed = after([{ type: 'run.queued', session_id: SESSION, run_id: 'run', message_id: 'answer', place: 3 }], answering());
  assert.equal(placed.open.runs.run.place, 3);
  assert.equal(after([{ type: 'run.started', session_id: SESSION, run_id: 'run', message_id: 'answer', epoch: 1, model: 'm' }], placed).open.runs.run.place, null);
});

test('a place in the queue is known again after a reload', () => {
  const opened = { session: session({ revision: 2, leaf_id: 'answer' }), revision: 2, messages: [], deleted: [], more: false, runs: [{ run_id: 'run', message_id: 'answer', status: 'queued', epoch: 1, place: 2 }] };
  assert.equal(after([{ type: 'local.session_opened', opened, fresh: false }], answering()).open.runs.run.place, 2);
});

test('a run whose message is not known makes the page ask for it', () => {
  assert.equal(after([delta(0, 'x', { run_id: 'other', message_id: 'unknown' })], answering()).open.behind, true);
});

test('a new answer in the session takes the reader back to the end of it', () => {
  const chosen = after([{ type: 'local.leaf', leaf: 'q' }], answering());
  const state = after([{ type: 'message.created', session_id: SESSION, revision: 3, message: message('again', { parent_id: 'q', role: 'assistant', run: run('run2') }) }], chosen);
  assert.deepEqual([state.open.leaf, state.open.session.leaf_id], [null, 'again']);
});

test('signing out leaves nothing of the person in the state', () => {
  assert.deepEqual(after([{ type: 'local.signed_out' }], answering()), { ...EMPTY_STATE, account: 'out' });
});

test('why the card for signing in was shown is no matter once somebody is in', () => {
  const state = after([{ type: 'local.signed_out', notice: 'Your sign-in has ended.' }, { type: 'local.signed_in', user: { id: 'u' } }]);
  assert.deepEqual([state.account, state.notice], ['in', null]);
});

test('the card of a letter stays while it turns out whether somebody is signed in', () => {
  const door = { face: 'reset', token: 'secret' };
  for (const event of [{ type: 'local.signed_out' }, { type: 'local.signed_in', user: { id: 'u' } }]) {
    assert.equal(after([{ type: 'local.door', door }, event]).door, door);
  }
});

/** The one line above the composer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowsOf } from '../../../static/pwa/core/screen.js';
import { statusLine } from '../../../static/pwa/core/status.js';
import { after, answering, completed, delta, run, SESSION } from '../support/world.js';

const line = (state) => statusLine(state, rowsOf(state));
const waiting = { client_id: 'c', session_id: SESSION, message_id: null, parent_id: null, text: 'x', created_at: '', state: 'waiting', error: null };
const online = () => after([{ type: 'local.phase', phase: 'online' }], answering());

test('a page at rest says nothing', () => {
  assert.equal(line(after([completed('Done')], online())), null);
});

test('a lost connection says that the message is kept', () => {
  const state = after([{ type: 'local.entry_queued', entry: waiting }, { type: 'local.phase', phase: 'waiting' }], online());
  assert.equal(line(state).text, 'Reconnecting… your message is kept');
});

test('who waits is told how many are before', () => {
  const place = (n) => after([{ type: 'run.queued', session_id: SESSION, run_id: 'run', message_id: 'answer', place: n }], online());
  assert.equal(line(place(3)).text, 'Waiting for a free place: 2 before you');
  assert.equal(line(place(1)).text, 'Waiting for a free place: you are next');
});

test('a stopped answer says so and offers another', () => {
  const { text, action } = line(after([completed('Half', { run: { status: 'stopped' } })], online()));
  assert.deepEqual([text, action.name, action.id], ['Answer stopped', 'retry', 'answer']);
});

test('a failed answer names its cause and the next step', () => {
  const failed = run('run', { status: 'failed', error: { code: 'timeout', message: 'The model did not answer in 30 s', retryable: true } });
  const { text, tone, action } = line(after([completed('', { run: failed })], online()));
  assert.deepEqual([text, tone, action.label], ['The model did not answer in 30 s.', 'fail', 'Try again']);
});

test('a message that was refused says why and can be sent again', () => {
  const entry = { ...waiting, state: 'failed', error: { code: 'invalid', message: 'Too long', retryable: false } };
  const { text, action } = line(after([{ type: 'local.entry_queued', entry }], online()));
  assert.deepEqual([text, action.name], ['Not sent: Too long.', 'resend']);
});

test('once there is text, the answer speaks for itself', () => {
  assert.equal(line(after([delta(0, 'Light')], online())), null);
});

const detour = (why, held = false) => ({ type: 'local.detour', detour: { why, held } });
const done = () => after([completed('Done')], online());

test('a detour says what is the matter and what that means, and goes when it ends', () => {
  assert.equal(line(after([detour('refused')], done())).text, 'The live connection is blocked on the way. Using a slower one');
  assert.equal(line(after([detour('silent')], done())).text, 'The live connection gets no answer. Using a slower one');
  assert.equal(line(after([detour('cut', true)], done())).text, 'The live connection is cut on the way. Text is held back too and comes in pieces');
  assert.equal(line(after([detour('cut'), { type: 'local.detour', detour: null }], done())), null);
});

test('what asks for something comes before a detour, what passes by itself does not', () => {
  assert.match(line(after([detour('refused')], online())).text, /blocked on the way/);
  const stopped = after([completed('Half', { run: { status: 'stopped' } }), detour('refused')], online());
  assert.equal(line(stopped).text, 'Answer stopped');
  assert.equal(line(after([{ type: 'local.phase', phase: 'waiting' }], stopped)).text, 'Reconnecting…');
});

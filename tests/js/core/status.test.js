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

test('a message that a quota keeps back says why and when it is possible again', () => {
  const entry = { ...waiting, state: 'failed', error: { code: 'quota_exhausted', message: 'You have used up your tokens for today.', retryable: false, again_at: 7 } };
  const { text, again, action } = line(after([{ type: 'local.entry_queued', entry }], online()));
  assert.deepEqual([text, again, action.name], ['Not sent: You have used up your tokens for today.', { lead: 'Possible again', at: 7 }, 'resend']);
});

test('a message that goes out by itself later says that it is kept, and when', () => {
  const entry = { ...waiting, error: { code: 'rate_limited', message: 'That was too often. Wait a moment and try again.', retryable: true, again_at: 7 } };
  const { text, again } = line(after([{ type: 'local.entry_queued', entry }], online()));
  assert.deepEqual([text, again], ['That was too often. Your message is kept', { lead: 'and goes out', at: 7 }]);
});

test('a message against the rules goes back to where it can be changed', () => {
  const entry = { ...waiting, state: 'failed', error: { code: 'blocked', message: 'Against the rules.', retryable: false } };
  assert.deepEqual(line(after([{ type: 'local.entry_queued', entry }], online())).action, { label: 'Edit', name: 'reword', id: 'c' });
});

test('an action that was too often says when again', () => {
  const { text, again } = line(after([{ type: 'local.notice', notice: 'That was too often. Wait a moment and try again.', again_at: 7 }], online()));
  assert.deepEqual([text, again], ['That was too often.', { lead: 'Try again', at: 7 }]);
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

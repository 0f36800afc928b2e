/** The live connection against a socket that the test holds in its hand. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Socket } from '../../../static/pwa/net/socket.js';

class FakeSocket {
  readyState = 1;
  sent = [];
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  close(code) {
    this.readyState = 3;
    this.closedWith = code;
  }
  says(frame) {
    this.onmessage({ data: JSON.stringify(frame) });
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** @param {object} [parts] */
async function connected(parts = {}) {
  const made = [];
  const phases = [];
  const socket = new Socket('ws://chat.example/ws', { connect: () => (made.push(new FakeSocket()), made.at(-1)), token: async () => 'token-1', renew: async () => 'token-2', random: () => 0, ...parts });
  socket.addEventListener('phase', (event) => phases.push(event.detail));
  socket.start();
  made[0].onopen();
  await settled();
  made[0].says({ type: 'ok', id: made[0].sent[0]?.id, result: { protocol: 1, heartbeat_s: 25 } });
  await settled();
  return { socket, made, phases, line: made[0] };
}

test('the first command is hello, with the token, and only then the line is online', async () => {
  const { socket, line, phases } = await connected();
  assert.deepEqual(line.sent[0], { type: 'hello', id: '1', token: 'token-1' });
  assert.deepEqual([phases, socket.ready], [['connecting', 'online'], true]);
  socket.stop();
});

test('a command gets the answer that carries its id', async () => {
  const { socket, line } = await connected();
  const first = socket.command('run.stop', { run_id: 'a' });
  const second = socket.command('run.stop', { run_id: 'b' });
  line.says({ type: 'ok', id: line.sent[2].id, result: { which: 'b' } });
  line.says({ type: 'error', id: line.sent[1].id, code: 'not_found', message: 'No.', retryable: false, retry_after_ms: null });
  assert.deepEqual(await second, { which: 'b' });
  await assert.rejects(first, { code: 'not_found', message: 'No.' });
  socket.stop();
});

test('a command without a connection is refused at once', async () => {
  const socket = new Socket('ws://x/ws', { token: async () => '', renew: async () => '' });
  await assert.rejects(socket.command('ping'), { code: 'network' });
});

test('a lost line rejects what waits and comes back after the back-off', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { socket, made, line, phases } = await connected();
  const waiting = socket.command('run.stop', {});
  line.onclose({ code: 1006, reason: '' });
  await assert.rejects(waiting, { code: 'network' });
  t.mock.timers.tick(499);
  assert.equal(made.length, 1);
  t.mock.timers.tick(1);
  assert.deepEqual([made.length, phases.at(-1)], [2, 'connecting']);
  socket.stop();
});

test('the server may say when to come back', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { socket, made, line } = await connected();
  line.onclose({ code: 1012, reason: '{"retry_after_ms":50}' });
  t.mock.timers.tick(50);
  assert.equal(made.length, 2);
  socket.stop();
});

test('a nudge comes back at once', async () => {
  const { socket, made, line } = await connected();
  line.onclose({ code: 1006, reason: '' });
  socket.nudge();
  assert.equal(made.length, 2);
  socket.stop();
});

test('a nudge makes a line that seems to be there prove it', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { socket, line, phases } = await connected();
  socket.nudge();
  assert.equal(line.sent.at(-1).type, 'ping');
  t.mock.timers.tick(4_000);
  await settled();
  assert.equal(phases.at(-1), 'waiting');
  socket.stop();
});

test('a code from 4500 on is told and not answered with a new connection', async () => {
  const { socket, made, line, phases } = await connected();
  const left = new Promise((resolve) => socket.addEventListener('left', (event) => resolve(event.detail)));
  line.onclose({ code: 4501, reason: '' });
  assert.equal(await left, 4501);
  socket.nudge();
  assert.deepEqual([made.length, phases.at(-1)], [1, 'idle']);
});

test('an expired token is renewed before coming back', async () => {
  const renew = mock.fn(async () => 'token-2');
  const { socket, line } = await connected({ renew });
  line.onclose({ code: 4401, reason: '' });
  await settled();
  assert.equal(renew.mock.callCount(), 1);
  socket.stop();
});

test('a token that is about to expire is renewed on the live line', async () => {
  const { socket, line } = await connected();
  line.says({ type: 'auth.expiring', grace_s: 25 });
  await settled();
  assert.deepEqual(line.sent.at(-1), { type: 'auth.refresh', id: '2', token: 'token-2' });
  socket.stop();
});

test('a quiet line is tested with a ping, and given up when nothing answers', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { socket, line, phases } = await connected();
  t.mock.timers.tick(25_000);
  assert.equal(line.sent.at(-1).type, 'ping');
  t.mock.timers.tick(10_000);
  await settled();
  assert.equal(phases.at(-1), 'waiting');
  socket.stop();
});

test('a command that is not answered in time gives up the line', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { socket, phases } = await connected();
  const waiting = socket.command('run.stop', {});
  t.mock.timers.tick(10_000);
  await assert.rejects(waiting, { code: 'timeout', retryable: true });
  assert.equal(phases.at(-1), 'waiting');
  socket.stop();
});

test('what is no frame is ignored', async () => {
  const { socket, line } = await connected();
  for (const data of ['', 'null', '[]', '{"type":7}', '{']) line.onmessage({ data });
  assert.equal(socket.ready, true);
  socket.stop();
});

test('events of the server are handed on as they are', async () => {
  const { socket, line } = await connected();
  const heard = new Promise((resolve) => socket.addEventListener('event', (event) => resolve(event.detail)));
  line.says({ type: 'session.deleted', session_id: 's', user_revision: 3 });
  assert.deepEqual(await heard, { type: 'session.deleted', session_id: 's', user_revision: 3 });
  socket.stop();
});

test('an attempt that ends before the server has said anything says how far it came', () => {
  for (const [opened, why] of [[false, 'refused'], [true, 'cut']]) {
    const made = [];
    const heard = [];
    const socket = new Socket('ws://x/ws', { connect: () => (made.push(new FakeSocket()), made.at(-1)), token: async () => '', renew: async () => '' });
    socket.addEventListener('refused', (event) => heard.push(event.detail));
    socket.start();
    if (opened) made[0].onopen();
    made[0].onclose({ code: 1006, reason: '' });
    socket.stop();
    assert.deepEqual(heard, [why]);
  }
});

test('an attempt without any answer is silent', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const heard = [];
  const socket = new Socket('ws://x/ws', { connect: () => new FakeSocket(), token: async () => '', renew: async () => '' });
  socket.addEventListener('refused', (event) => heard.push(event.detail));
  socket.start();
  t.mock.timers.tick(10_000);
  socket.stop();
  assert.deepEqual(heard, ['silent']);
});

test('a server that says why it closes has not been refused, nor one that has spoken', async () => {
  const heard = [];
  const { socket, line } = await connected();
  socket.addEventListener('refused', (event) => heard.push(event.detail));
  line.onclose({ code: 1006, reason: '' });
  socket.stop();
  const made = [];
  const full = new Socket('ws://x/ws', { connect: () => (made.push(new FakeSocket()), made.at(-1)), token: async () => '', renew: async () => '' });
  full.addEventListener('refused', (event) => heard.push(event.detail));
  full.start();
  made[0].onclose({ code: 1013, reason: '{"retry_after_ms":50}' });
  full.stop();
  assert.deepEqual(heard, []);
});

test('a patient socket tries only now and then, and at once when nudged', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const made = [];
  const socket = new Socket('ws://x/ws', { connect: () => (made.push(new FakeSocket()), made.at(-1)), token: async () => '', renew: async () => '', random: () => 0 });
  socket.patient = true;
  socket.start();
  made[0].onclose({ code: 1006, reason: '' });
  t.mock.timers.tick(14_999);
  assert.equal(made.length, 1);
  t.mock.timers.tick(1);
  assert.equal(made.length, 2);
  made[1].onclose({ code: 1006, reason: '' });
  socket.nudge();
  assert.equal(made.length, 3);
  socket.stop();
});

/** What only the way by plain requests does: looking for changes, event streams that go on, text that is held back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byRequests } from '../support/lines.js';
import { completed, delta, session, SESSION } from '../support/world.js';

const RUN = { run_id: 'run', message_id: 'answer', status: 'streaming', epoch: 1, place: null };
const opened = (runs = [RUN]) => ({ session: session({ revision: 2 }), revision: 2, messages: [], deleted: [], more: false, before: null, runs });
const HOLDS = [{ run_id: 'run', part: 'text', epoch: 1, offset: 5 }];
const OPEN = { session_id: SESSION, revision: 2, holds: HOLDS };

/** @param {object} [results] */
async function online(t, results = { 'session.open': opened(), 'message.send': { session_id: SESSION, message_id: 'm', run_id: 'run' } }) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const made = byRequests(results);
  const heard = { phase: [], event: [], missed: [], held: [] };
  for (const kind of Object.keys(heard)) made.way.addEventListener(kind, (told) => heard[kind].push(told.detail));
  made.way.start();
  t.after(() => made.way.stop());
  await after(t, 1);
  return { ...made, heard };
}

/** The clock stands still for the way, and steps when the test says so. */
async function after(t, ms) {
  t.mock.timers.tick(ms);
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

test('a run is followed from what is held of it, and after a cut from what was told last', async (t) => {
  const { way, streams, heard } = await online(t);
  await way.command('session.open', OPEN);
  await after(t, 1);
  assert.deepEqual([streams.length, streams[0].path, streams[0].lastId], [1, '/runs/run/events', '1-0-5']);
  streams[0].says(delta(5, ' bends'), '1-0-11');
  await after(t, 1);
  streams[0].ends();
  await after(t, 1);
  await after(t, 500);
  assert.deepEqual([streams.length, streams[1].lastId], [2, '1-0-11']);
  streams[1].says(completed('Light bends'), '1-0-11');
  await after(t, 1);
  await after(t, 60_000);
  assert.deepEqual([heard.event.map(({ type }) => type), streams.length], [['run.delta', 'run.completed'], 2]);
});

test('a stream that says nothing for too long is asked for again', async (t) => {
  const { way, streams } = await online(t);
  way.command('session.open', OPEN);
  await after(t, 1);
  streams[0].says(delta(5, ' bends'), '1-0-11');
  await after(t, 1);
  await after(t, 35_000);
  await after(t, 500);
  assert.deepEqual([streams.length, streams[0].aborted, streams[1].lastId], [2, true, '1-0-11']);
});

test('text that is held back on the way is asked for in short pieces, and this is said', async (t) => {
  const { way, streams, heard } = await online(t);
  way.command('session.open', OPEN);
  await after(t, 1);
  await after(t, 3_000);
  await after(t, 1);
  assert.deepEqual([heard.held, streams.at(-1).path], [[true], '/runs/run/events?seconds=2']);
});

test('another question about a session ends the streams of the one before', async (t) => {
  const { way, streams } = await online(t);
  await way.command('session.open', OPEN);
  await after(t, 1);
  await way.command('session.open', OPEN);
  await after(t, 1);
  assert.deepEqual(streams.map(({ aborted = false }) => aborted), [true, false]);
  await way.command('session.close', { session_id: SESSION });
  assert.equal(streams[1].aborted, true);
});

test('a session that was closed while it was asked for is not followed', async (t) => {
  const { way, streams } = await online(t);
  const opening = way.command('session.open', OPEN);
  await way.command('session.close', { session_id: SESSION });
  await opening;
  await after(t, 1);
  assert.equal(streams.length, 0);
});

test('what others changed is found by looking, and told as the socket would', async (t) => {
  const { way, parts, heard } = await online(t);
  await way.command('session.open', OPEN);
  await after(t, 4_000);
  assert.deepEqual([heard.event, heard.missed], [[], []]);
  const [old, changed] = [session({ id: 'other', user_revision: 2 }), session({ revision: 4, user_revision: 5 })];
  parts.changes = { items: [changed, old], deleted: ['gone'], revision: 6, more: false };
  await after(t, 4_000);
  assert.deepEqual(heard.event, [
    { type: 'session.updated', session: old, user_revision: 2 },
    { type: 'session.updated', session: changed, user_revision: 5 },
    { type: 'session.deleted', session_id: 'gone', user_revision: 6 },
  ]);
  assert.deepEqual(heard.missed, [SESSION]);
});

test('a place in the queue is asked for again with each look, until there is text', async (t) => {
  const { way, heard } = await online(t, { 'session.open': opened([{ ...RUN, status: 'queued', place: 2 }]) });
  await way.command('session.open', OPEN);
  await after(t, 4_000);
  assert.deepEqual(heard.missed, [SESSION]);
});

test('who has sent a message is told at once to ask for what it made, and the list is looked at', async (t) => {
  const { way, heard, parts } = await online(t);
  await way.command('session.open', OPEN);
  parts.changes = { items: [], deleted: ['gone'], revision: 2, more: false };
  await way.command('message.send', { session_id: SESSION, client_id: 'c', text: 'x' });
  assert.deepEqual([heard.missed, heard.event], [[], []]);
  await after(t, 1);
  assert.deepEqual([heard.missed, heard.event.length], [[SESSION], 1]);
});

test('an answer that is not the server\'s is a lost line', async (t) => {
  const { way, heard } = await online(t, { 'run.stop': { code: 'http_502', message: 'x' } });
  await assert.rejects(way.command('run.stop', { run_id: 'run' }), { code: 'network' });
  assert.equal(heard.phase.at(-1), 'waiting');
});

test('who looks at the page again is shown the newest at once, and a live answer from a fresh stream', async (t) => {
  const { way, parts, heard, says } = await online(t);
  await way.command('session.open', OPEN);
  parts.changes = { items: [], deleted: ['gone'], revision: 2, more: false };
  way.nudge();
  await after(t, 1);
  assert.deepEqual([heard.missed, heard.event.map(({ type }) => type)], [[SESSION], ['session.deleted']]);
  says(completed('Light'));
  await after(t, 1);
  way.nudge();
  assert.deepEqual(heard.missed, [SESSION]);
});

test('a token that expires under a stream is renewed, and the stream goes on', async (t) => {
  const { way, parts, streams } = await online(t);
  await way.command('session.open', OPEN);
  await after(t, 1);
  parts.expired = true;
  streams[0].ends();
  await after(t, 1);
  await after(t, 500);
  assert.deepEqual([parts.expired, streams.length, streams.at(-1).lastId], [false, 2, '1-0-5']);
});

test('a login that has ended is told once, and nothing is asked any more', async (t) => {
  const { way, api, parts, streams } = await online(t);
  const grants = [];
  api.onGrant = (grant) => (grants.push(grant), grant || way.stop());
  await way.command('session.open', OPEN);
  await after(t, 1);
  parts.expired = parts.left = true;
  streams[0].ends();
  await after(t, 1);
  await after(t, 500);
  await after(t, 60_000);
  assert.deepEqual([grants, streams.length, way.ready], [[null], 1, false]);
});

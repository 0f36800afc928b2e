/** What the rest of the page may expect of the line to the server, whichever of the two ways it takes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bySocket, byRequests, settled } from '../support/lines.js';
import { completed, delta, session, SESSION } from '../support/world.js';

const OPENED = { session: session({ revision: 2 }), revision: 2, messages: [], deleted: [], more: false, before: null, runs: [{ run_id: 'run', message_id: 'answer', status: 'streaming', epoch: 1, place: null }] };
const SENT = { session_id: SESSION, message_id: 'm', run_id: 'run' };
const RESULTS = { 'session.open': OPENED, 'session.close': {}, 'message.send': SENT, 'message.edit': SENT, 'run.stop': {}, 'run.regenerate': SENT };

for (const [name, make] of [['socket', bySocket], ['requests', byRequests]]) {
  /** @param {object} [results] */
  const online = async (results = RESULTS) => {
    const made = make(results);
    const heard = { phase: [], event: [] };
    for (const kind of Object.keys(heard)) made.way.addEventListener(kind, (told) => heard[kind].push(told.detail));
    made.way.start();
    await settled();
    return { ...made, heard };
  };

  test(`${name}: it comes up by itself, once`, async (t) => {
    const { way, heard } = await online();
    t.after(() => way.stop());
    way.start();
    assert.deepEqual([heard.phase, way.ready], [['connecting', 'online'], true]);
  });

  test(`${name}: every command of the page is understood and answered alike`, async (t) => {
    const { way, asked } = await online();
    t.after(() => way.stop());
    const commands = [
      ['message.send', { session_id: null, client_id: 'c', text: 'x' }],
      ['message.send', { session_id: SESSION, client_id: 'c', text: 'x' }],
      ['message.edit', { message_id: 'm', client_id: 'c', text: 'x' }],
      ['run.regenerate', { message_id: 'm' }],
      ['run.stop', { run_id: 'run' }],
    ];
    for (const [type, fields] of commands) assert.deepEqual(await way.command(type, fields), RESULTS[type]);
    assert.deepEqual(asked.filter(({ type }) => type !== 'hello'), commands.map(([type, fields]) => ({ type, ...fields })));
  });

  test(`${name}: an open session tells its live run, in order, after the answer`, async (t) => {
    const { way, heard, says } = await online();
    t.after(() => way.stop());
    assert.deepEqual(await way.command('session.open', { session_id: SESSION, revision: 0, holds: [] }), OPENED);
    assert.deepEqual(heard.event, []);
    await settled();
    const events = [delta(0, 'Light'), delta(5, ' bends'), completed('Light bends')];
    for (const event of events) says(event);
    await settled();
    assert.deepEqual(heard.event, events);
  });

  test(`${name}: a refusal is a fault with the server's words`, async (t) => {
    const { way } = await online({ 'session.open': { code: 'not_found', message: 'There is nothing here.' } });
    t.after(() => way.stop());
    await assert.rejects(way.command('session.open', { session_id: SESSION, revision: 0, holds: [] }), { code: 'not_found', message: 'There is nothing here.' });
    assert.equal(way.ready, true);
  });

  test(`${name}: a lost line rejects what waits, says so, and comes back`, async (t) => {
    const { way, heard, breaks } = await online({});
    t.after(() => way.stop());
    const waiting = way.command('message.send', { session_id: SESSION, client_id: 'c', text: 'x' });
    await settled();
    breaks();
    await assert.rejects(waiting, { code: 'network' });
    assert.deepEqual([heard.phase.at(-1), way.ready], ['waiting', false]);
    await assert.rejects(way.command('run.stop', { run_id: 'run' }), { code: 'network' });
    way.nudge();
    await settled();
    assert.deepEqual([heard.phase.slice(-2), way.ready], [['connecting', 'online'], true]);
  });

  test(`${name}: once stopped it says nothing more`, async () => {
    const { way, heard, says } = await online();
    await way.command('session.open', { session_id: SESSION, revision: 0, holds: [] });
    await settled();
    way.stop();
    try {
      says(delta(0, 'Light'));
    } catch {
      // The stream is closed on this side already.
    }
    await settled();
    assert.deepEqual([heard.phase.at(-1), heard.event, way.ready], ['idle', [], false]);
  });
}

/** The examples of the protocol, which the server's tests read too: the page takes every one of them. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { EVENT_TYPES } from '../../../static/pwa/core/protocol.js';
import { reduce } from '../../../static/pwa/core/reducer.js';
import { EMPTY_STATE } from '../../../static/pwa/core/state.js';

const FOLDER = new URL('../../protocol/', import.meta.url);
/** Heard by the socket itself, never by the reducer. */
const OF_THE_SOCKET = ['ok', 'error', 'auth.expiring'];

/** @param {string} kind */
function examples(kind) {
  const names = readdirSync(new URL(`${kind}/`, FOLDER)).filter((name) => name.endsWith('.json'));
  return names.map((name) => JSON.parse(readFileSync(new URL(`${kind}/${name}`, FOLDER), 'utf8')));
}

test('the page knows every event that the server has an example of', () => {
  const told = examples('events').map((event) => event.type);
  assert.deepEqual([...told].sort(), [...EVENT_TYPES, ...OF_THE_SOCKET].sort());
});

const opened = JSON.parse(readFileSync(new URL('results/session.open.json', FOLDER), 'utf8'));

for (const event of examples('events').filter(({ type }) => !OF_THE_SOCKET.includes(type))) {
  test(`${event.type} is taken by a page that has nothing open, and by one that has its session open`, () => {
    assert.equal(reduce(EMPTY_STATE, event).ignored, 0);
    const opening = reduce(EMPTY_STATE, { type: 'local.session_opening', session_id: opened.session.id });
    const open = reduce(opening, { type: 'local.session_opened', opened, fresh: true });
    assert.equal(reduce(open, event).ignored, 0);
  });
}

test('the answer of session.open becomes the session on screen', () => {
  const opening = reduce(EMPTY_STATE, { type: 'local.session_opening', session_id: opened.session.id });
  const { open } = reduce(opening, { type: 'local.session_opened', opened, fresh: true });
  assert.equal(open?.revision, opened.revision);
  assert.deepEqual(Object.keys(open?.messages ?? {}), opened.messages.map((/** @type {{id: string}} */ message) => message.id));
});

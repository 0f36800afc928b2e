/** The small pure parts: back-off, sizes, close codes, addresses, days. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookDelay, patientDelay, retryDelay } from '../../../static/pwa/core/backoff.js';
import { dayHeading } from '../../../static/pwa/core/days.js';
import { closeMeaning, isOfServer, retryAfter } from '../../../static/pwa/core/protocol.js';
import { pathOf, sessionIn } from '../../../static/pwa/core/routes.js';
import { byteLength } from '../../../static/pwa/core/utf8.js';

test('a retry waits at least half a second', () => {
  for (let attempt = 0; attempt < 30; attempt += 1) assert.equal(retryDelay(attempt, () => 0), 500);
});

test('a retry never waits longer than 20 s', () => {
  for (let attempt = 0; attempt < 2000; attempt += 100) assert.ok(retryDelay(attempt, () => 0.999999) <= 20_000);
});

test('the bound of the wait doubles with each attempt', () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5].map((attempt) => retryDelay(attempt, () => 1)), [1000, 2000, 4000, 8000, 16_000, 20_000]);
});

test('what seems blocked is tried after 15 to 30 s, and in the end every 5 to 10 minutes', () => {
  assert.deepEqual([patientDelay(0, () => 0), patientDelay(0, () => 1)], [15_000, 30_000]);
  assert.deepEqual([patientDelay(99, () => 0), patientDelay(99, () => 1)], [300_000, 600_000]);
});

test('a hidden page looks for changes twelve times as seldom, and no two pages in step', () => {
  assert.deepEqual([lookDelay(false, () => 0), lookDelay(false, () => 1)], [4_000, 6_000]);
  assert.equal(lookDelay(true, () => 0.5), 60_000);
});

test('a close code says whether it is the server that closed', () => {
  assert.deepEqual([1012, 1013, 4003, 4501].map(isOfServer), Array(4).fill(true));
  assert.deepEqual([1000, 1001, 1005, 1006, 1011, 1014].map(isOfServer), Array(6).fill(false));
});

test('the size of a text is the size of its UTF-8', () => {
  for (const text of ['', 'plain', 'größe', '한국어', '🌈👩‍👩‍👧', '\ud800']) assert.equal(byteLength(text), new TextEncoder().encode(text).length);
});

test('only codes from 4500 on mean not to come back', () => {
  assert.deepEqual([1001, 1006, 1012, 1013, 4000, 4029, 4499].map(closeMeaning), Array(7).fill('return'));
  assert.deepEqual([4500, 4501, 4999].map(closeMeaning), Array(3).fill('leave'));
});

test('an expired token is renewed before coming back', () => assert.equal(closeMeaning(4401), 'refresh'));

test('a close reason may say when to come back', () => {
  assert.equal(retryAfter('{"retry_after_ms":1200}'), 1200);
  for (const reason of ['', 'bye', '{}', '{"retry_after_ms":"soon"}', 'null', '{"retry_after_ms":-5}']) assert.equal(retryAfter(reason), null);
});

test('an address names a session or a new chat', () => {
  const id = '0192f3c4-1111-7abc-8def-001122334455';
  assert.equal(sessionIn(pathOf(id)), id);
  for (const path of ['/', '/s/', '/s/no-id', `/s/${id}/more`, `/x/s/${id}`]) assert.equal(sessionIn(path), null);
});

test('a day is named as the reader counts days', () => {
  const now = new Date(2026, 10, 22, 9, 30);
  const at = (day, hour) => new Date(2026, 10, day, hour).toISOString();
  assert.deepEqual([at(22, 0), at(21, 23), at(17, 12), at(2, 12)].map((iso) => dayHeading(iso, now)), ['Today', 'Yesterday', 'This week', 'Earlier']);
});

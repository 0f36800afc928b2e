/** Words for how long ago and how long still; faults with the time when to come back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkIn } from '../../../static/pwa/core/routes.js';
import { ago, causeOf, faultWords, inWords } from '../../../static/pwa/core/times.js';
import { usageLines } from '../../../static/pwa/core/usage.js';

const NOW = Date.parse('2026-11-22T19:00:00Z');

test('what is still to come is told in the unit that a person would use, never too early', () => {
  const told = [0, 1, 40_001, 90_000, 91_000, 3_600_000, 5 * 3_600_000, 72 * 3_600_000].map(inWords);
  assert.deepEqual(told, ['in 1 second', 'in 1 second', 'in 41 seconds', 'in 90 seconds', 'in 2 minutes', 'in 60 minutes', 'in 5 hours', 'in 3 days']);
});

test('what is past is told loosely', () => {
  const past = ['2026-11-22T19:00:00Z', '2026-11-22T18:59:30Z', '2026-11-22T18:55:00Z', '2026-11-22T16:30:00Z', '2026-11-21T18:00:00Z', '2026-11-12T18:00:00Z'];
  assert.deepEqual(past.map((iso) => ago(iso, NOW)), ['just now', 'just now', '5 minutes ago', '2 hours ago', 'yesterday', '10 days ago']);
});

test('a fault with a time says when instead of advising to wait', () => {
  const message = 'That was too often. Wait a moment and try again.';
  assert.equal(faultWords({ message, retryAfterMs: 40_000 }), 'That was too often. Try again in 40 seconds.');
  assert.equal(faultWords({ message, retryAfterMs: null }), message);
  assert.equal(causeOf('Too long'), 'Too long.');
});

test('usage says how much of how much, and when it is counted anew', () => {
  const usage = { runs: { used: 1, limit: 3, resets_at: null }, tokens: { used: 12_500, limit: 50_000, resets_at: '2026-11-23T00:00:00Z' }, cost: { used: 0, limit: null, resets_at: '2026-12-01T00:00:00Z' } };
  assert.deepEqual(usageLines(usage, NOW), [
    { title: 'Tokens today', text: '12,500 of 50,000', when: 'Counted anew in 5 hours', share: 0.25 },
    { title: 'Answers being written', text: '1 of 3', when: '', share: 1 / 3 },
  ]);
  const [, , cost] = usageLines({ ...usage, cost: { used: 0.126, limit: null, resets_at: null } }, NOW);
  assert.deepEqual(cost, { title: 'Cost of this month', text: '0.13, without a limit', when: '', share: null });
});

test('only the links of letters are taken for such', () => {
  assert.deepEqual(linkIn('#reset=abc_DEF-1.2'), { face: 'reset', token: 'abc_DEF-1.2' });
  assert.deepEqual(['', '#', '#reset=', '#other=abc', '#reset=a b', '#reset=<b>', `#reset=${'a'.repeat(513)}`].map(linkIn), Array(7).fill(null));
});

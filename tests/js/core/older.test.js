/** Messages that did not fit into one answer: older ones above, later ones behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowsOf } from '../../../static/pwa/core/screen.js';
import { visibleBranch } from '../../../static/pwa/core/tree.js';
import { after, delta, message, run, session, SESSION } from '../support/world.js';

/** Messages 1…n in one line, each the child of the one before. */
const line = (from, to) => Array.from({ length: to - from + 1 }, (_, index) => turn(from + index));
const turn = (n) => message(`m${String(n).padStart(3, '0')}`, { parent_id: n > 1 ? `m${String(n - 1).padStart(3, '0')}` : null, revision: n, role: n % 2 ? 'user' : 'assistant', created_at: `2026-11-22T09:${String(n).padStart(2, '0')}:00Z` });
const opened = (messages, fields = {}) => ({ type: 'local.session_opened', fresh: true, opened: { session: session({ revision: 9, leaf_id: 'm009' }), revision: 9, messages, deleted: [], runs: [], more: true, ...fields } });
const opening = { type: 'local.session_opening', session_id: SESSION };
const loading = { type: 'local.older_loading', session_id: SESSION };
const loaded = (items, before = null, fields = {}) => ({ type: 'local.older_loaded', session_id: SESSION, items, before, ...fields });
const keys = (state) => rowsOf(state).map((row) => row.key);

test('the branch ends above at the oldest loaded message, whose parent is not there', () => {
  const state = after([opening, opened(line(5, 9))]);
  assert.deepEqual(keys(state), ['m005', 'm006', 'm007', 'm008', 'm009']);
  assert.deepEqual(state.open.older, { more: true, before: null, status: 'idle' });
});

test('a page of older messages joins the branch above', () => {
  const state = after([loading, loaded(line(3, 4), 'cursor')], after([opening, opened(line(5, 9))]));
  assert.equal(keys(state)[0], 'm003');
  assert.deepEqual(state.open.older, { more: true, before: 'cursor', status: 'idle' });
});

test('the first message of all ends the asking', () => {
  const state = after([loading, loaded(line(1, 4))], after([opening, opened(line(5, 9))]));
  assert.deepEqual([keys(state).length, state.open.older.more], [9, false]);
});

test('a page that the next one follows at once is still loading', () => {
  const state = after([loading, loaded(line(5, 9), 'cursor', { last: false })], after([opening, opened(line(5, 9))]));
  assert.equal(state.open.older.status, 'loading');
});

test('an older page never takes back a later revision of a message', () => {
  const state = after([opening, opened([message('m009', { text: 'new', revision: 9 })]), loaded([message('m009', { text: 'old', revision: 3 })])]);
  assert.equal(state.open.messages.m009.text, 'new');
});

test('a page for a session that is not on screen any more is dropped', () => {
  const state = after([opening, opened(line(5, 9))]);
  assert.equal(after([{ ...loaded(line(1, 4)), session_id: 'other' }], state), state);
});

test('a failed page can be asked for again, at the latest when the connection is back', () => {
  const failed = after([opening, opened(line(5, 9)), loading, { type: 'local.older_failed', session_id: SESSION }]);
  assert.equal(failed.open.older.status, 'failed');
  assert.equal(after([{ ...opened([], { more: false }), fresh: false }], failed).open.older.status, 'idle');
});

test('changes that did not fit into one answer leave the page behind, so that it asks on', () => {
  const state = after([opening, opened(line(1, 2), { revision: 2, more: false })]);
  const half = after([{ ...opened(line(3, 6), { revision: 6 }), fresh: false }], state);
  assert.deepEqual([half.open.behind, half.open.revision, half.open.older.more], [true, 6, false]);
  assert.equal(after([{ ...opened(line(7, 9), { more: false }), fresh: false }], half).open.behind, false);
});

test('an answer that says more but brings nothing does not make the page ask for ever', () => {
  const state = after([opening, opened(line(1, 9), { more: false })]);
  assert.equal(after([{ ...opened([]), fresh: false }], state).open.behind, false);
});

test('an answer is still written while older messages come', () => {
  const answer = message('answer', { parent_id: 'm008', role: 'assistant', text: '', revision: 9, run: run('run', { status: 'streaming' }), created_at: '2026-11-22T09:10:00Z' });
  const runs = [{ run_id: 'run', message_id: 'answer', status: 'streaming', epoch: 1, place: null }];
  const state = after([opening, opened([...line(5, 8), answer], { runs }), delta(0, 'Light '), loading, loaded(line(1, 5)), delta(6, 'bends')]);
  assert.deepEqual([rowsOf(state).at(-1).text, keys(state).length], ['Light bends', 9]);
});

test('a loop of parents does not hang the page', () => {
  const messages = { a: message('a', { parent_id: 'b' }), b: message('b', { parent_id: 'a' }) };
  assert.equal(visibleBranch(messages, 'a').length, 2);
});

/** The list of sessions under its revision rule. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sortedSessions } from '../../../static/pwa/core/reduce_list.js';
import { after, answering, message, session, SESSION } from '../support/world.js';

const loaded = (revision = 5) => after([{ type: 'local.list_loaded', items: [session()], revision, next: null }]);

test('the next user revision applies', () => {
  const { list } = after([{ type: 'session.updated', session: session({ title: 'New', revision: 1 }), user_revision: 6 }], loaded());
  assert.deepEqual([list.byId[SESSION].title, list.revision, list.behind], ['New', 6, false]);
});

test('a user revision beyond the next one makes the page ask for the list', () => {
  const { list } = after([{ type: 'session.updated', session: session({ revision: 1 }), user_revision: 8 }], loaded());
  assert.deepEqual([list.behind, list.revision], [true, 5]);
});

test('an older picture of a session does not replace a newer one', () => {
  const state = after([
    { type: 'session.updated', session: session({ title: 'Newer', revision: 7 }), user_revision: 7 },
    { type: 'session.updated', session: session({ title: 'Older', revision: 6 }), user_revision: 6 },
  ], loaded());
  assert.equal(state.list.byId[SESSION].title, 'Newer');
});

test('a deleted session leaves the list, and the screen says that it is gone', () => {
  const state = after([{ type: 'session.deleted', session_id: SESSION, user_revision: 6 }], { ...answering(), list: loaded().list });
  assert.deepEqual([state.list.byId, state.open.status], [{}, 'missing']);
});

test('catching up removes what was deleted meanwhile', () => {
  const { list } = after([{ type: 'local.list_loaded', items: [], deleted: [SESSION], revision: 9 }], loaded());
  assert.deepEqual([list.byId, list.revision, list.behind], [{}, 9, false]);
});

test('a new title reaches the open session without claiming its revision', () => {
  const state = after([{ type: 'session.updated', session: session({ title: 'Named', revision: 9 }), user_revision: 1 }], answering());
  assert.deepEqual([state.open.session.title, state.open.revision, state.open.seen], ['Named', 2, 9]);
});

test('sessions are listed by newest activity', () => {
  const byId = { a: session({ id: 'a', updated_at: '2026-01-01' }), b: session({ id: 'b', updated_at: '2026-02-01' }) };
  assert.deepEqual(sortedSessions(byId).map(({ id }) => id), ['b', 'a']);
});

test('a row of the list that is older than the open session does not take its branch back', () => {
  const child = message('child', { parent_id: 'answer', revision: 3 });
  const rows = { type: 'local.list_loaded', items: [session({ revision: 2, leaf_id: 'answer' })], revision: 1 };
  const state = after([{ type: 'message.created', session_id: SESSION, revision: 3, message: child }, rows], answering());
  assert.equal(state.open.session.leaf_id, 'child');
});

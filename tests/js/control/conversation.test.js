/** Which session is shown when the device answers slower than the person clicks. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import '../support/page.js';
import { Conversation } from '../../../static/pwa/control/conversation.js';
import { Holder } from '../../../static/pwa/control/holder.js';

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

function page() {
  const holder = new Holder();
  const gates = {};
  const store = { kept: [], conversation: (id) => (gates[id] = Promise.withResolvers()).promise, keepConversation: (kept) => store.kept.push(kept.id) };
  const line = Object.assign(new EventTarget(), { ready: false, command: async () => ({}) });
  const conversation = new Conversation({ line, store, holder, report: assert.fail });
  holder.dispatch({ type: 'local.signed_in', user: { id: 'ada' } });
  return { holder, store, conversation, gates };
}

const KEPT = { revision: 3, messages: {} };

test('of two that were chosen the later one is shown, whichever the device finds first', async () => {
  const { holder, conversation, gates } = page();
  conversation.open('a');
  conversation.open('b');
  gates.b.resolve(KEPT);
  await settled();
  gates.a.resolve(KEPT);
  await settled();
  assert.equal(holder.state.open.id, 'b');
});

test('who has gone back to a new chat stays there', async () => {
  const { holder, conversation, gates } = page();
  conversation.open('a');
  conversation.close();
  gates.a.resolve(KEPT);
  await settled();
  assert.equal(holder.state.open, null);
});

test('what the device finds after a sign-out is neither shown nor kept again', async () => {
  const { holder, store, conversation, gates } = page();
  conversation.open('a');
  holder.dispatch({ type: 'local.signed_out' });
  gates.a.resolve(KEPT);
  await settled();
  assert.deepEqual([holder.state.open, store.kept], [null, []]);
});

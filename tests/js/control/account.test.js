/** Who is signed in on this page: what is under way when somebody leaves, or when the server turns the page away. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import '../support/page.js';
import { Api } from '../../../static/pwa/net/api.js';

const { Account } = await import('../../../static/pwa/control/account.js');
const { Holder } = await import('../../../static/pwa/control/holder.js');

const ADA = { id: 'ada', email: 'ada@example.org' };
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
const json = (status, body) => new Response(JSON.stringify(body), { status });
const granted = (user) => json(200, { access_token: `for ${user.id}`, expires_in: 900, user });

/** A page whose server answers each path by `answers`; a function may hold its answer back. */
function page(t, answers, kept = null) {
  localStorage.setItem('zgpt.signed_in', '1');
  const line = Object.assign(new EventTarget(), { ready: false, started: 0, start: () => (line.started += 1), stop: () => {}, renew: async () => {} });
  const store = { kept, account: async () => store.kept, keepAccount: async (account) => void (store.kept = account), clear: async () => void (store.kept = null) };
  const asked = [];
  const api = new Api(async (url) => {
    const path = url.replace('/api/v1', '');
    asked.push(path);
    return (answers[path] ?? (() => json(200, {})))();
  });
  const holder = new Holder();
  const account = new Account({ api, line, store, holder, onEnter: async () => {} });
  // Its timer would keep the process.
  t.after(() => account.signOut());
  const turnAway = (code) => line.dispatchEvent(new CustomEvent('left', { detail: code }));
  return { account, api, line, store, holder, asked, turnAway };
}

/** An answer that comes when it is let go. */
function held(answer) {
  const gate = Promise.withResolvers();
  return { ask: () => gate.promise.then(answer), go: () => gate.resolve() };
}

test('a refresh that is under way when the person leaves does not sign in again', async (t) => {
  const late = held(() => granted(ADA));
  let count = 0;
  const { account, api, holder, line } = page(t, { '/auth/refresh': () => ((count += 1) === 1 ? granted(ADA) : late.ask()) });
  await account.start();
  const refreshing = api.refresh();
  await account.signOut();
  late.go();
  await assert.rejects(refreshing, { status: 401 });
  await settled();
  assert.deepEqual([holder.state.account, holder.state.notice, line.started, localStorage.getItem('zgpt.signed_in')], ['out', null, 1, null]);
});

test('who leaves without a network is not signed in again when it is back', async (t) => {
  const refused = held(() => Promise.reject(new TypeError('no network')));
  let count = 0;
  const { account, holder } = page(t, { '/auth/refresh': () => ((count += 1) === 1 ? refused.ask() : granted(ADA)) }, { user: ADA, sessions: [], revision: 0 });
  account.start();
  await settled();
  assert.equal(holder.state.account, 'in');
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const left = account.signOut();
  refused.go();
  await left;
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  t.mock.timers.tick(60_000);
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  assert.deepEqual([holder.state.account, count], ['out', 1]);
});

test('who leaves is out at once, however long the server takes to hear of it', async (t) => {
  const slow = held(() => new Response(null, { status: 204 }));
  const { account, holder } = page(t, { '/auth/refresh': () => granted(ADA), '/auth/logout': slow.ask });
  await account.start();
  const left = account.signOut();
  await settled();
  assert.equal(holder.state.account, 'out');
  slow.go();
  await left;
});

test('a page that is told to be loaded anew says so and does not knock again', async (t) => {
  const { account, holder, line, turnAway } = page(t, { '/auth/refresh': () => granted(ADA) });
  await account.start();
  turnAway(4500);
  await settled();
  assert.deepEqual([line.started, holder.state.account], [1, 'in']);
  assert.match(holder.state.notice, /Reload the page/);
});

test('a sign-in that ended while another tab signed in anew goes on with that one', async (t) => {
  const { account, holder, line, turnAway } = page(t, { '/auth/refresh': () => granted(ADA) });
  await account.start();
  turnAway(4501);
  await settled();
  assert.deepEqual([line.started, holder.state.account, holder.state.notice], [2, 'in', null]);
});

test('a sign-in that ended everywhere is said', async (t) => {
  let count = 0;
  const { account, holder, turnAway } = page(t, { '/auth/refresh': () => ((count += 1) === 1 ? granted(ADA) : json(401, { code: 'unauthorized' })) });
  await account.start();
  turnAway(4501);
  await settled();
  assert.deepEqual([holder.state.account, holder.state.notice], ['out', 'Your sign-in has ended. Sign in to go on.']);
});

test('the socket that closes before the answer to a deletion does not end it', async (t) => {
  const late = held(() => new Response(null, { status: 204 }));
  let count = 0;
  const { account, holder, turnAway } = page(t, { '/auth/refresh': () => ((count += 1) === 1 ? granted(ADA) : json(401, { code: 'unauthorized' })), '/auth/me': late.ask });
  await account.start();
  const gone = account.remove({ password: 'x' });
  await settled();
  turnAway(4501);
  await settled();
  late.go();
  await gone;
  assert.deepEqual([holder.state.account, holder.state.notice, count], ['out', 'Your account is deleted.', 1]);
});

test('a deletion that is refused leaves everything as it was', async (t) => {
  const { account, holder, turnAway } = page(t, { '/auth/refresh': () => granted(ADA), '/auth/me': () => json(403, { code: 'wrong_password', detail: 'Not right.' }) });
  await account.start();
  await assert.rejects(account.remove({ password: 'x' }), { code: 'wrong_password' });
  turnAway(4501);
  await settled();
  assert.equal(holder.state.account, 'in');
});

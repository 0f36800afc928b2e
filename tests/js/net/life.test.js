/** What was asked for in one sign-in is not heard, and not done, in the next. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Api } from '../../../static/pwa/net/api.js';

const json = (status, body) => new Response(JSON.stringify(body), { status });
const granted = (id) => json(200, { access_token: `for ${id}`, expires_in: 900, user: { id } });

/** @param {Record<string, (options: any) => Response|Promise<Response>>} answers by path */
function apiWith(answers) {
  const asked = [];
  const api = new Api(async (url, options) => {
    const path = url.replace('/api/v1', '');
    asked.push([path, options.headers.authorization ?? '']);
    return answers[path](options);
  });
  return { api, asked };
}

test('an answer to who has left ends at once as a fault, and is not heard when it comes', async () => {
  const late = Promise.withResolvers();
  const { api } = apiWith({ '/auth/login': () => granted('ada'), '/auth/logout': () => new Response(null, { status: 204 }), '/sessions': () => late.promise });
  await api.signIn({ email: 'a@b', password: 'x' });
  const list = api.call('GET', '/sessions');
  const ended = assert.rejects(list, { status: 401 });
  await api.signOut();
  await ended;
  late.resolve(json(200, { items: ['of ada'] }));
});

test('what one person asked for is not done as the one who signed in meanwhile', async () => {
  const { api, asked } = apiWith({ '/auth/login': () => granted('ada'), '/auth/refresh': () => granted('bob'), '/messages': () => json(401, { code: 'unauthorized' }) });
  await api.signIn({ email: 'a@b', password: 'x' });
  await assert.rejects(api.call('POST', '/messages', { text: 'of ada' }), { status: 401 });
  assert.deepEqual(asked.filter(([path]) => path === '/messages'), [['/messages', 'Bearer for ada']]);
});

test('nobody enters before the server knows of the sign-out: its answer takes the cookie away', async () => {
  const late = Promise.withResolvers();
  const { api, asked } = apiWith({ '/auth/login': () => granted('bob'), '/auth/logout': () => late.promise });
  const left = api.signOut();
  const entered = api.signIn({ email: 'b@b', password: 'x' });
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(asked.map(([path]) => path), ['/auth/logout']);
  late.resolve(new Response(null, { status: 204 }));
  await left;
  assert.equal((await entered).user.id, 'bob');
});

test('a refused refresh is asked for once', async () => {
  const { api, asked } = apiWith({ '/auth/refresh': () => json(401, { code: 'unauthorized' }) });
  await assert.rejects(api.call('GET', '/sessions'), { status: 401 });
  assert.equal(asked.length, 1);
});

/** REST with a silent, single refresh; and the check of a finished text. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Api } from '../../../static/pwa/net/api.js';
import { isSameText } from '../../../static/pwa/net/verify.js';

const grant = (token, expires_in = 900) => [200, { access_token: token, expires_in, user: { id: 'u' } }];

/** @param {Record<string, (options: any, count: number) => [number, object|null, object?]>} answers by `METHOD path` */
function apiWith(answers) {
  const asked = [];
  const api = new Api(async (url, options) => {
    const key = `${options.method} ${url.replace('/api/v1', '')}`;
    asked.push(key);
    const [status, body, headers] = answers[key](options, asked.filter((other) => other === key).length);
    return new Response(body === null ? null : JSON.stringify(body), { status, headers });
  });
  return { api, asked };
}

test('many requests at once share one refresh', async () => {
  const { api, asked } = apiWith({ 'POST /auth/refresh': () => grant('t1'), 'GET /sessions': () => [200, { items: [] }] });
  await Promise.all([1, 2, 3].map(() => api.call('GET', '/sessions')));
  assert.equal(asked.filter((key) => key === 'POST /auth/refresh').length, 1);
});

test('an expired token is renewed once and the request repeated with the new one', async () => {
  const tokens = [];
  const { api } = apiWith({
    'POST /auth/login': () => grant('old'),
    'POST /auth/refresh': () => grant('new'),
    'GET /sessions': ({ headers }, count) => (tokens.push(headers.authorization), count === 1 ? [401, { code: 'unauthorized' }] : [200, {}]),
  });
  await api.signIn({ email: 'a@b', password: 'x' });
  await api.call('GET', '/sessions');
  assert.deepEqual(tokens, ['Bearer old', 'Bearer new']);
});

test('a refused refresh says that nobody is signed in', async () => {
  const { api } = apiWith({ 'POST /auth/refresh': () => [401, { code: 'unauthorized', detail: 'Sign in.' }] });
  const told = [];
  api.onGrant = (value) => told.push(value);
  await assert.rejects(api.refresh(), { status: 401, code: 'unauthorized' });
  assert.deepEqual(told, [null]);
});

test('a network that is down does not sign anybody out', async () => {
  const api = new Api(async () => {
    throw new TypeError('failed');
  });
  api.onGrant = () => assert.fail('told of a grant');
  await assert.rejects(api.refresh(), { code: 'network', retryable: true });
});

test('a problem document becomes a fault with its fields', async () => {
  const { api } = apiWith({ 'POST /auth/signup': () => [422, { code: 'invalid', detail: 'Some fields are not right.', retryable: false, errors: [{ field: 'email', message: 'Not an address.' }] }] });
  await assert.rejects(api.signUp({ email: 'x', password: 'y' }), { code: 'invalid', fields: [{ field: 'email', message: 'Not an address.' }] });
});

test('an answer that is no JSON is a fault in words', async () => {
  const api = new Api(async () => new Response('<html>', { status: 502 }));
  await assert.rejects(api.open('GET', '/app'), { code: 'http_502', retryable: true });
});

test('a limit tells when to come back', async () => {
  const { api } = apiWith({ 'POST /auth/login': () => [429, { code: 'rate_limited', detail: 'Wait.', retryable: true }, { 'retry-after': '7' }] });
  await assert.rejects(api.signIn({ email: 'a@b', password: 'x' }), { retryAfterMs: 7000 });
});

test('a limit in milliseconds counts before the header, which is rounded up', async () => {
  const { api } = apiWith({ 'POST /auth/login': () => [429, { code: 'rate_limited', retry_after_ms: 6_200 }, { 'retry-after': '7' }] });
  await assert.rejects(api.signIn({ email: 'a@b', password: 'x' }), { retryAfterMs: 6_200 });
});

test('a password that asks for a second step signs nobody in', async () => {
  const { api } = apiWith({ 'POST /auth/login': () => [202, { challenge: 'c', expires_in: 300 }], 'POST /auth/login/second': () => grant('t') });
  const told = [];
  api.onGrant = (value) => told.push(value.access_token);
  assert.deepEqual(await api.signIn({ email: 'a@b', password: 'x' }), { challenge: 'c', expires_in: 300 });
  assert.deepEqual(told, []);
  await api.enter('/auth/login/second', { challenge: 'c', code: '123456' });
  assert.deepEqual(told, ['t']);
});

test('another password brings the tokens to go on with', async () => {
  const tokens = [];
  const { api } = apiWith({ 'POST /auth/login': () => grant('old'), 'POST /auth/password': () => grant('new'), 'GET /sessions': ({ headers }) => (tokens.push(headers.authorization), [200, {}]) });
  await api.signIn({ email: 'a@b', password: 'x' });
  await api.changePassword({ current_password: 'x', new_password: 'y' });
  await api.call('GET', '/sessions');
  assert.deepEqual(tokens, ['Bearer new']);
});

test('a file has the name that the server gives it, and half of one is a fault', async () => {
  const file = async (/** @type {BodyInit} */ body) => {
    const answers = [new Response(JSON.stringify(grant('t')[1])), new Response(body, { headers: { 'content-disposition': 'attachment; filename="z-gpt-2026.json"' } })];
    return new Api(async () => answers.shift()).file('/auth/me/export');
  };
  const { name, blob } = await file('{}');
  assert.deepEqual([name, await blob.text()], ['z-gpt-2026.json', '{}']);
  const broken = new ReadableStream({ start: (to) => (to.enqueue(new Uint8Array([123])), to.error(new Error('cut'))) }, { highWaterMark: 0 });
  await assert.rejects(file(broken), { code: 'network' });
});

test('a token is renewed a minute before it expires', async () => {
  const { api } = apiWith({ 'POST /auth/login': () => grant('t', 61) });
  await api.signIn({ email: 'a@b', password: 'x' });
  assert.ok(api.refreshInMs > 0 && api.refreshInMs <= 1000);
});

test('a text is compared with its SHA-256 by its UTF-8 bytes', async () => {
  const text = 'größe 🌈';
  const sha256 = createHash('sha256').update(text).digest('hex');
  assert.deepEqual([await isSameText(text, sha256), await isSameText(`${text} `, sha256), await isSameText(text, undefined)], [true, false, true]);
});

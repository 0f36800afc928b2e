/**
 * A server for working on the web app alone: it speaks the REST and WebSocket contract from memory and streams scripted
 * answers. Development only; the promises are tested against the real server. Words in a message steer it: "code",
 * "long", "reason", "fail", "queue", "drop" (cuts the socket in mid-answer). `node mock_server.mjs [port]`
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { answerTo } from './answers.mjs';

const PWA = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'static', 'pwa');
const TOKEN_MS = 25;
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.png': 'image/png', '.webmanifest': 'application/manifest+json' };
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'; trusted-types zgpt zgpt-sw dompurify";
const APP = {
  name: 'Z-GPT', version: 'mock', signup: true, limits: { message_bytes: 32768 },
  model: { id: 'smollm2', name: 'SmolLM2 135M', about: 'A small model that runs on this server: quick and private, not wise. Check what it says.' },
  prompts: [
    { title: 'Explain an idea', text: 'Explain how a rainbow forms, in three short sentences.' },
    { title: 'Write some code', text: 'Write a Python function that checks whether a word is a palindrome, with an example.' },
    { title: 'Plan a day', text: 'Suggest a relaxed Saturday in a city I have never visited, as a short list.' },
  ],
};

const users = new Map();
const refreshes = new Map();
const sessions = new Map();
const messages = new Map();
const runs = new Map();
const sockets = new Set();
const now = () => new Date().toISOString();
const token = (user) => ({ access_token: `access-${user.id}`, expires_in: 900, user: publicUser(user) });
const publicUser = ({ password, ...user }) => user;
const userOf = (access) => [...users.values()].find((user) => access === `access-${user.id}`);
const tell = (test, event) => sockets.forEach((socket) => test(socket) && socket.send(JSON.stringify(event)));
const toViewers = (id, event) => tell((socket) => socket.open === id, event);
const toUser = (id, event) => tell((socket) => socket.user?.id === id, event);
const sessionOf = ({ owner, deleted, ...session }) => session;

function bump(session) {
  const user = users.get(session.owner);
  session.revision += 1;
  session.user_revision = user.revision += 1;
  session.updated_at = now();
  return session.revision;
}

function makeSession(user, title = '') {
  const session = { id: randomUUID(), owner: user.id, title, created_at: now(), updated_at: now(), revision: 0, user_revision: 0, leaf_id: null };
  sessions.set(session.id, session);
  bump(session);
  return session;
}

function makeMessage(session, fields) {
  const revision = bump(session);
  const message = { id: randomUUID(), session_id: session.id, reasoning: '', client_id: null, model: null, created_at: now(), run: null, ...fields, revision };
  messages.set(message.id, message);
  session.leaf_id = message.id;
  toViewers(session.id, { type: 'message.created', session_id: session.id, revision, message });
  return message;
}

function ask(session, parentId, text, clientId) {
  const known = [...messages.values()].find((m) => clientId && m.client_id === clientId);
  if (known) return { session_id: session.id, message_id: known.id, run_id: [...runs.values()].find((r) => r.parent === known.id)?.id };
  const question = makeMessage(session, { role: 'user', text, parent_id: parentId, client_id: clientId });
  if (!session.title) session.title = text.slice(0, 48);
  return { session_id: session.id, message_id: question.id, run_id: answer(session, question).id };
}

function answer(session, question) {
  const id = randomUUID();
  const record = { id, status: 'queued', epoch: 1, error: null, usage: null, ends: null, sha256: null };
  const message = makeMessage(session, { role: 'assistant', text: '', parent_id: question.id, model: 'SmolLM2 135M', run: record });
  const said = answerTo(question.text);
  const run = { id, session, message, parent: question.id, said, held: { text: '', reasoning: '' }, question: question.text };
  runs.set(id, run);
  toUser(session.owner, { type: 'session.updated', session: sessionOf(session), user_revision: session.user_revision });
  if (/queue/i.test(question.text)) toViewers(session.id, { type: 'run.queued', session_id: session.id, run_id: id, message_id: message.id, place: 3 });
  setTimeout(() => start(run), /queue/i.test(question.text) ? 4000 : 300);
  return run;
}

function start(run) {
  const { session, message } = run;
  if (message.run.status !== 'queued') return;
  message.run = { ...message.run, status: 'streaming' };
  toViewers(session.id, { type: 'run.started', session_id: session.id, run_id: run.id, message_id: message.id, epoch: 1, model: message.model });
  run.pieces = ['reasoning', 'text'].flatMap((part) => (run.said[part].match(/\s*\S+|\s+$/g) ?? []).map((text) => ({ part, text })));
  run.timer = setInterval(() => step(run), TOKEN_MS);
}

function step(run) {
  const piece = run.pieces.shift();
  const failing = /fail/i.test(run.question) && run.held.text.length > 120;
  if (!piece || failing) return end(run, failing ? 'failed' : 'completed', failing ? { code: 'model_timeout', message: 'The model did not answer in 30 s', retryable: true } : null);
  if (/drop/i.test(run.question) && run.held.text.length > 60 && !run.dropped) {
    run.dropped = true;
    sockets.forEach((socket) => socket.open === run.session.id && socket.terminate());
  }
  const at = Buffer.byteLength(run.held[piece.part]);
  run.held[piece.part] += piece.text;
  toViewers(run.session.id, { type: 'run.delta', session_id: run.session.id, run_id: run.id, message_id: run.message.id, part: piece.part, epoch: 1, at, end: Buffer.byteLength(run.held[piece.part]), text: piece.text });
}

function end(run, status, error = null) {
  clearInterval(run.timer);
  const { session, message, held } = run;
  const ends = { text: Buffer.byteLength(held.text), reasoning: Buffer.byteLength(held.reasoning) };
  const sha256 = { text: createHash('sha256').update(held.text).digest('hex') };
  Object.assign(message, { ...held, run: { ...message.run, status, error, ends, sha256 } });
  const revision = (message.revision = bump(session));
  toViewers(session.id, { type: 'run.completed', session_id: session.id, run_id: run.id, message_id: message.id, status, ends, sha256, usage: null, error, message, revision });
  toUser(session.owner, { type: 'session.updated', session: sessionOf(session), user_revision: session.user_revision });
}

const commands = {
  hello: (socket, { token: access }) => {
    socket.user = userOf(access);
    return { protocol: 1, connection_id: randomUUID(), user: publicUser(socket.user), heartbeat_s: 25 };
  },
  'auth.refresh': () => ({}),
  ping: () => ({}),
  'session.open': (socket, { session_id, revision, holds }) => {
    const session = sessions.get(session_id);
    if (!session || session.deleted) throw { code: 'not_found', message: 'There is nothing here, or it is not yours.' };
    socket.open = session_id;
    const live = [...runs.values()].filter((run) => run.session === session && ['queued', 'streaming'].includes(run.message.run.status));
    setImmediate(() => live.forEach((run) => rest(socket, run, holds ?? [])));
    const changed = [...messages.values()].filter((m) => m.session_id === session_id && m.revision > revision);
    return { session: sessionOf(session), revision: session.revision, messages: changed, deleted: [], runs: live.map((run) => ({ run_id: run.id, message_id: run.message.id, status: run.message.run.status, epoch: 1, place: null })), more: false };
  },
  'session.close': (socket) => ((socket.open = null), {}),
  'message.send': (socket, { session_id, client_id, text }) => {
    if (/refuse/i.test(text)) throw { code: 'invalid', message: 'The message was refused' };
    const known = [...messages.values()].find((m) => m.client_id === client_id);
    const session = sessions.get(session_id ?? known?.session_id) ?? makeSession(socket.user);
    socket.open = session.id;
    return ask(session, session.leaf_id, text, client_id);
  },
  'message.edit': (socket, { message_id, client_id, text }) => {
    const old = messages.get(message_id);
    return ask(sessions.get(old.session_id), old.parent_id, text, client_id);
  },
  'run.stop': (socket, { run_id }) => {
    const run = runs.get(run_id);
    if (['queued', 'streaming'].includes(run?.message.run.status)) end(run, 'stopped');
    return {};
  },
  'run.regenerate': (socket, { message_id }) => {
    const old = messages.get(message_id);
    const run = answer(sessions.get(old.session_id), messages.get(old.parent_id));
    return { message_id: run.message.id, run_id: run.id };
  },
};

function rest(socket, run, holds) {
  for (const part of ['reasoning', 'text']) {
    const at = holds.find((hold) => hold.run_id === run.id && hold.part === part)?.offset ?? 0;
    const bytes = Buffer.from(run.held[part]);
    if (bytes.length > at) socket.send(JSON.stringify({ type: 'run.delta', session_id: run.session.id, run_id: run.id, message_id: run.message.id, part, epoch: 1, at, end: bytes.length, text: bytes.subarray(at).toString() }));
  }
}

function heard(socket, data) {
  const { type, id, ...fields } = JSON.parse(data);
  try {
    socket.send(JSON.stringify({ type: 'ok', id, result: commands[type](socket, fields) }));
  } catch (fault) {
    socket.send(JSON.stringify({ type: 'error', id, code: 'internal', message: String(fault.message), retryable: false, retry_after_ms: null, ...(fault.code ? fault : {}) }));
  }
}

const routes = [
  ['GET', /^\/api\/v1\/app$/, () => [200, APP]],
  ['POST', /^\/api\/v1\/auth\/signup$/, (user, body) => {
    if ([...users.values()].some(({ email }) => email === body.email)) return [409, { code: 'email_taken', detail: 'There is an account with this address. Sign in instead.' }];
    const made = { id: randomUUID(), email: body.email, name: body.email.split('@')[0], kind: 'user', role: 'member', created_at: now(), revision: 0, password: body.password };
    users.set(made.id, made);
    return grant(201, made);
  }],
  ['POST', /^\/api\/v1\/auth\/login$/, (user, body) => {
    const found = [...users.values()].find(({ email, password }) => email === body.email && password === body.password);
    return found ? grant(200, found) : [401, { code: 'unauthorized', detail: 'Email or password is not right.' }];
  }],
  ['POST', /^\/api\/v1\/auth\/refresh$/, (user, body, match, cookie) => {
    const found = users.get(refreshes.get(/zgpt_refresh=([\w-]+)/.exec(cookie ?? '')?.[1]));
    return found ? grant(200, found) : [401, { code: 'unauthorized', detail: 'Sign in to do this.' }];
  }],
  ['POST', /^\/api\/v1\/auth\/logout$/, () => [204, null, { 'set-cookie': 'zgpt_refresh=; Path=/api/v1/auth; Max-Age=0' }]],
  ['POST', /^\/api\/v1\/client-errors$/, (user, body) => (console.error('client error', body), [204, null])],
  ['GET', /^\/api\/v1\/sessions$/, (user, body, match, cookie, query) => {
    const mine = [...sessions.values()].filter((session) => session.owner === user.id && session.user_revision > Number(query.get('since') ?? 0));
    const there = mine.filter((session) => !session.deleted).map(sessionOf);
    return [200, { items: there, deleted: mine.filter((session) => session.deleted).map(({ id }) => id), revision: user.revision, next: null, more: false }];
  }],
  ['PATCH', /^\/api\/v1\/sessions\/([\w-]+)$/, (user, body, [, id]) => {
    const session = sessions.get(id);
    session.title = body.title;
    bump(session);
    toUser(user.id, { type: 'session.updated', session: sessionOf(session), user_revision: session.user_revision });
    return [200, sessionOf(session)];
  }],
  ['DELETE', /^\/api\/v1\/sessions\/([\w-]+)$/, (user, body, [, id]) => {
    const session = sessions.get(id);
    session.deleted = true;
    bump(session);
    toUser(user.id, { type: 'session.deleted', session_id: id, user_revision: session.user_revision });
    return [204, null];
  }],
];

function grant(status, user) {
  const key = randomUUID();
  refreshes.set(key, user.id);
  return [status, token(user), { 'set-cookie': `zgpt_refresh=${key}; Path=/api/v1/auth; HttpOnly; SameSite=Strict` }];
}

async function answerHttp(request, response) {
  const url = new URL(request.url, 'http://mock');
  const route = routes.find(([method, path]) => method === request.method && path.test(url.pathname));
  if (!route) return serveFile(url.pathname, response);
  let body = '';
  for await (const chunk of request) body += chunk;
  const user = userOf(request.headers.authorization?.replace('Bearer ', ''));
  const [status, answer, headers] = route[2](user, body ? JSON.parse(body) : {}, route[1].exec(url.pathname), request.headers.cookie, url.searchParams);
  response.writeHead(status, { 'content-type': 'application/json', 'content-security-policy': POLICY, ...headers });
  response.end(answer === null ? undefined : JSON.stringify(answer));
}

async function serveFile(path, response) {
  const inside = path.startsWith('/static/pwa/') ? path.slice(12) : path === '/sw.js' ? 'sw.js' : 'index.html';
  const file = join(PWA, normalize(inside));
  try {
    let data = await readFile(file);
    if (inside === 'sw.js') data = Buffer.concat([Buffer.from(`self.ZGPT_SHELL = ${JSON.stringify(await shell())};\n`), data]);
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'text/plain', 'content-security-policy': POLICY, 'cache-control': 'no-cache' });
    response.end(data);
  } catch {
    response.writeHead(404).end();
  }
}

async function shell() {
  const files = await readdir(PWA, { recursive: true });
  const assets = files.filter((name) => /\.(js|css|svg|png|webmanifest)$/.test(name) && name !== 'sw.js').map((name) => `/static/pwa/${name}`);
  return { version: 'mock', assets };
}

const server = createServer((request, response) => answerHttp(request, response).catch((error) => (console.error(error), response.writeHead(500).end())));
const live = new WebSocketServer({ server, path: '/ws' });
live.on('connection', (socket) => {
  sockets.add(socket);
  socket.on('message', (data) => heard(socket, data));
  socket.on('close', () => sockets.delete(socket));
});
server.listen(Number(process.argv[2] ?? 8099), '127.0.0.1', () => console.log(`mock server on http://127.0.0.1:${server.address().port}`));

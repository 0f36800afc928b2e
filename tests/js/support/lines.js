/**
 * The two ways to the server, each with a server in miniature behind it that the test tells what to say. The same words
 * for both, so that one contract (net/line.test.js) is asked of either.
 */
import { Api } from '../../../static/pwa/net/api.js';
import { Requests } from '../../../static/pwa/net/requests.js';
import { Socket } from '../../../static/pwa/net/socket.js';

export const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

/** @param {number} status @param {unknown} body */
const json = (status, body) => new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });

/** A server that speaks WebSocket. `results` by command: what `ok` carries, or a fault. */
export function bySocket(results) {
  const asked = [];
  let line;
  class Wire {
    readyState = 1;
    send(text) {
      const { type, id, ...fields } = JSON.parse(text);
      asked.push({ type, ...fields });
      const result = type === 'hello' ? { heartbeat_s: 25 } : results[type];
      if (result === undefined) return;
      const frame = result.code ? { type: 'error', id, retryable: false, retry_after_ms: null, ...result } : { type: 'ok', id, result };
      queueMicrotask(() => this.onmessage({ data: JSON.stringify(frame) }));
    }
    close() {
      this.readyState = 3;
    }
  }
  const connect = () => {
    line = new Wire();
    setTimeout(() => line.onopen?.());
    return line;
  };
  const way = new Socket('ws://x/ws', { connect, token: async () => 't', renew: async () => 't', random: () => 0 });
  const says = (event) => line.onmessage({ data: JSON.stringify(event) });
  return { way, asked, says, breaks: () => line.onclose({ code: 1006, reason: '' }) };
}

/** A server that speaks HTTP only. `results` as above; `streams` are the requests for event streams, newest last. */
export function byRequests(results) {
  const asked = [];
  const streams = [];
  const parts = { broken: false, expired: false, left: false, changes: { items: [], deleted: [], revision: 1, more: false } };
  const api = new Api(async (url, { method = 'GET', headers, body, signal }) => {
    const path = String(url).replace('/api/v1', '');
    if (parts.broken) throw new TypeError('no network');
    if (path === '/auth/refresh' && parts.left) return json(401, { code: 'unauthorized' });
    if (path === '/auth/refresh') parts.expired = false;
    if (path === '/auth/refresh') return json(200, { access_token: 't', expires_in: 900, user: { id: 'u' } });
    if (parts.expired) return json(401, { code: 'unauthorized' });
    if (path.startsWith('/sessions?')) return json(200, parts.changes);
    if (path.includes('/events')) return opened(streams, path, headers, signal);
    const [type, fields] = commandIn(method, path, body);
    asked.push({ type, ...fields });
    const result = results[type];
    if (result === undefined) return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new TypeError('cut'))));
    return result.code ? json(result.code === 'not_found' ? 404 : 500, { code: result.code, detail: result.message, retryable: false }) : json(200, result);
  });
  const way = new Requests({ api, hidden: () => false, random: () => 0 });
  const says = (event) => streams.at(-1).says(event);
  const breaks = () => {
    parts.broken = true;
    way.cut();
    parts.broken = false;
  };
  return { way, api, asked, streams, says, parts, breaks };
}

/** @param {object[]} streams */
function opened(streams, path, headers, signal) {
  const encoder = new TextEncoder();
  let controller;
  const body = new ReadableStream({ start: (given) => (controller = given) });
  const stream = {
    path,
    lastId: headers['last-event-id'] ?? '',
    says: (event, id = '1-0-0') => controller.enqueue(encoder.encode(`event: ${event.type}\nid: ${id}\ndata: ${JSON.stringify(event)}\n\n`)),
    ends: () => controller.close(),
  };
  signal.addEventListener('abort', () => {
    stream.aborted = true;
    try {
      controller.error(new TypeError('aborted'));
    } catch {
      return;
    }
  });
  streams.push(stream);
  return new Response(body, { status: 200 });
}

/** @param {string} method @param {string} path @param {string} body */
function commandIn(method, path, body) {
  const fields = body ? JSON.parse(body) : {};
  const [, first, id, verb] = path.split(/[/?]/);
  if (verb === 'changes') return ['session.open', { session_id: id, revision: Number(path.split('since=')[1]) }];
  if (verb === 'stop') return ['run.stop', { run_id: id }];
  if (verb === 'edit') return ['message.edit', { message_id: id, ...fields }];
  if (verb === 'regenerate') return ['run.regenerate', { message_id: id }];
  return ['message.send', { session_id: first === 'sessions' ? id : null, ...fields }];
}

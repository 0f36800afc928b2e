/**
 * The same line as net/socket.js over plain requests, for where something on the way breaks WebSockets: commands are
 * REST calls, live answers are event streams, and what others change is found by looking. Draws nothing.
 *
 * @typedef {{api: import('./api.js').Api, hidden: () => boolean, random: () => number}} RequestsParts
 * @typedef {{[name: string]: any}} Fields
 * @typedef {{revision: number, runs: RunEvents[], queued: boolean}} Opened
 *   An open session: the revision that was told (none is newer while it is asked for), its live runs, and whether one of
 *   them waits in the queue.
 */
import { lookDelay, retryDelay } from '../core/backoff.js';
import { positionsIn } from '../core/positions.js';
import { asFault, Fault, networkFault } from './faults.js';
import { RunEvents } from './events.js';

/** What each command is over REST. @type {Record<string, (fields: Fields) => ['GET'|'POST', string, object?]>} */
const CALLS = {
  'session.open': ({ session_id, revision }) => ['GET', `/sessions/${session_id}/changes?since=${revision}`],
  'message.send': ({ session_id, ...message }) => ['POST', session_id ? `/sessions/${session_id}/messages` : '/messages', message],
  'message.edit': ({ message_id, ...message }) => ['POST', `/messages/${message_id}/edit`, message],
  'run.regenerate': ({ message_id }) => ['POST', `/messages/${message_id}/regenerate`],
  'run.stop': ({ run_id }) => ['POST', `/runs/${run_id}/stop`],
};

export class Requests extends EventTarget {
  #parts;
  #ready = false;
  #wanted = false;
  #attempt = 0;
  /** What is asked for ends with the life in which it was asked. */
  #life = new AbortController();
  /** @type {Map<string, Opened>} */
  #opened = new Map();
  #listRevision = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  #whole = false;

  /**
   * Fires `phase` and `event` as the socket does, `missed` (detail: session id) when the session has changed in a way
   * that has to be asked for, and `held` (detail: boolean) when something on the way begins or ends to hold text back.
   * A login that has ended is told by the API itself.
   * @param {Partial<RequestsParts> & Pick<RequestsParts, 'api'>} parts
   */
  constructor(parts) {
    super();
    this.#parts = { hidden: () => document.visibilityState === 'hidden', random: Math.random, ...parts };
  }

  get ready() {
    return this.#ready;
  }

  start() {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#connect();
  }

  stop() {
    this.#wanted = false;
    this.#drop();
    this.#tell('phase', 'idle');
  }

  /** Somebody looks at the page again, or the network is back. A stream may have died unnoticed while the machine slept. */
  nudge() {
    if (this.#ready) {
      this.#look();
      return this.#askAgain((run) => !run.ended);
    }
    this.#attempt = 0;
    if (this.#wanted) this.#connect();
  }

  /** The network went away. */
  cut() {
    if (this.#ready) this.#lost();
  }

  async renew() {
    await this.#parts.api.refresh().catch(() => {});
  }

  /**
   * @param {string} type
   * @param {Fields} [fields]
   * @returns {Promise<any>} what the socket's `ok` would carry; rejects with a Fault
   */
  async command(type, fields = {}) {
    if (!this.#ready) throw networkFault('There is no connection.');
    if (type === 'session.open') return this.#open(fields);
    if (type === 'session.close') return this.#close(fields.session_id);
    const life = this.#life.signal;
    const result = await this.#ask(...callOf(type, fields));
    if (result.session_id) setTimeout(() => life.aborted || this.#made(result.session_id), 0);
    return result;
  }

  /** The streams end before the question, so that no event comes between what is held and what is told. @param {Fields} fields */
  async #open(fields) {
    this.#close(fields.session_id);
    /** @type {Opened} */
    const opened = { revision: Infinity, runs: [], queued: false };
    this.#opened.set(fields.session_id, opened);
    const result = await this.#ask(...callOf('session.open', fields));
    // Closed, or asked for again, meanwhile: then nobody waits for its events.
    if (this.#opened.get(fields.session_id) === opened) this.#follow(opened, result, fields.holds ?? []);
    return result;
  }

  /** A message was made: its session and the list of sessions have changed, of which the socket would have told. @param {string} sessionId */
  #made(sessionId) {
    if ((this.#opened.get(sessionId)?.revision ?? Infinity) < Infinity) this.#tell('missed', sessionId);
    this.#look();
  }

  async #connect() {
    this.#drop();
    this.#tell('phase', 'connecting');
    const life = this.#life.signal;
    try {
      this.#listRevision = (await this.#ask('GET', '/sessions?limit=1')).revision;
      this.#ready = true;
      this.#attempt = 0;
      this.#lookLater();
      this.#tell('phase', 'online');
    } catch (error) {
      if (!life.aborted) this.#lost(asFault(error).retryAfterMs);
    }
  }

  /**
   * One request; it rejects at once when the line is given up meanwhile. No answer, or one that is not the server's,
   * means that the line is lost.
   * @param {'GET'|'POST'} method
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<any>}
   */
  async #ask(method, path, body) {
    const life = this.#life.signal;
    const answered = new AbortController();
    try {
      return await Promise.race([this.#parts.api.call(method, path, body), endOf(life, answered.signal)]);
    } catch (error) {
      const fault = asFault(error);
      if (fault.code !== 'network' && !/^http_5/.test(fault.code)) throw fault;
      if (!life.aborted && this.#ready) this.#lost();
      throw networkFault('The connection was lost.');
    } finally {
      answered.abort();
    }
  }

  /**
   * @param {Opened} opened
   * @param {import('../core/protocol.js').Opened} told
   * @param {import('../core/protocol.js').Position[]} holds
   */
  #follow(opened, { session, revision, runs }, holds) {
    const at = positionsIn(holds);
    opened.revision = revision;
    opened.queued = runs.some(({ status }) => status === 'queued');
    opened.runs = runs.map(({ run_id }) => this.#followRun(session.id, run_id, at[run_id] ?? ''));
  }

  /** @param {string} sessionId @param {string} runId @param {string} position */
  #followRun(sessionId, runId, position) {
    return new RunEvents(runId, position, {
      api: this.#parts.api,
      random: this.#parts.random,
      way: this,
      tell: (event) => this.#heard(sessionId, event),
      gone: () => this.#tell('missed', sessionId),
    });
  }

  /** Whether something on the way passes only whole answers. */
  get whole() {
    return this.#whole;
  }

  set whole(whole) {
    if (whole === this.#whole) return;
    this.#whole = whole;
    this.#tell('held', whole);
  }

  /** @param {string} sessionId @param {any} event */
  #heard(sessionId, event) {
    const opened = this.#opened.get(sessionId);
    if (opened && event.type === 'run.completed') opened.revision = Math.max(opened.revision, event.revision);
    this.#tell('event', event);
  }

  /** @param {string} sessionId */
  #close(sessionId) {
    for (const run of this.#opened.get(sessionId)?.runs ?? []) run.stop();
    this.#opened.delete(sessionId);
    return {};
  }

  #lookLater() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), lookDelay(this.#parts.hidden(), this.#parts.random));
  }

  /** What others have changed since the last look, told as the socket would; and how far the queue has moved. */
  async #look() {
    clearTimeout(this.#timer);
    const life = this.#life.signal;
    try {
      while (await this.#page());
    } catch {
      // A lost line has ended this life; whatever else the server said may be otherwise at the next look.
    }
    if (life.aborted) return;
    this.#lookLater();
    this.#askAgain((run, queued) => queued && !run.told);
  }

  /** @param {(run: RunEvents, queued: boolean) => boolean} about */
  #askAgain(about) {
    for (const [id, { runs, queued }] of this.#opened) if (runs.some((run) => about(run, queued))) this.#tell('missed', id);
  }

  /** @returns {Promise<boolean>} whether there is more */
  async #page() {
    const since = this.#listRevision;
    const page = await this.#ask('GET', `/sessions?since=${since}`);
    this.#listRevision = page.revision;
    /** @type {import('../core/protocol.js').Session[]} */
    const items = page.items;
    for (const session of items.sort((a, b) => a.user_revision - b.user_revision)) this.#changed(session);
    for (const id of page.deleted) this.#tell('event', { type: 'session.deleted', session_id: id, user_revision: page.revision });
    return page.more && page.revision > since;
  }

  /** @param {import('../core/protocol.js').Session} session */
  #changed(session) {
    this.#tell('event', { type: 'session.updated', session, user_revision: session.user_revision });
    const opened = this.#opened.get(session.id);
    if (opened && session.revision > opened.revision) this.#tell('missed', session.id);
  }

  /** @param {number|null} [retryAfterMs] */
  #lost(retryAfterMs = null) {
    this.#drop();
    this.#tell('phase', 'waiting');
    this.#timer = setTimeout(() => this.#connect(), retryAfterMs ?? retryDelay(this.#attempt++, this.#parts.random));
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#ready = false;
    for (const id of [...this.#opened.keys()]) this.#close(id);
    this.#life.abort();
    this.#life = new AbortController();
  }

  /** @param {string} name @param {unknown} detail */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** @param {string} type @param {Fields} fields */
function callOf(type, fields) {
  const call = CALLS[type];
  if (!call) throw new Fault('unknown_command', `There is no ${type} over plain requests.`);
  return call(fields);
}

/** @param {AbortSignal} life @param {AbortSignal} answered nobody waits any more @returns {Promise<never>} */
function endOf(life, answered) {
  return new Promise((_, reject) => life.addEventListener('abort', () => reject(networkFault()), { signal: answered }));
}

/**
 * The live connection: hello, commands with ids and time-outs, renewal, heartbeat, and coming back. Knows the frames
 * and the close codes, not what the events mean.
 *
 * @typedef {{connect: (url: string) => WebSocket, token: () => Promise<string>, renew: () => Promise<string>,
 *            random: () => number}} SocketParts
 * @typedef {{resolve: (result: any) => void, reject: (fault: Fault) => void, timer: ReturnType<typeof setTimeout>}} Waiting
 */
import { patientDelay, retryDelay } from '../core/backoff.js';
import { closeMeaning, isOfServer, retryAfter } from '../core/protocol.js';
import { Fault, networkFault } from './faults.js';

const COMMAND_TIMEOUT_MS = 10_000;
const OPEN_TIMEOUT_MS = 10_000;
/** For a line that seems to be there while somebody waits in front of the page. */
const PROBE_TIMEOUT_MS = 4_000;
const STEADY_AFTER_MS = 5_000;

export class Socket extends EventTarget {
  #url;
  #parts;
  /** @type {WebSocket|null} */
  #socket = null;
  /** @type {Map<string, Waiting>} */
  #waiting = new Map();
  #nextId = 1;
  #attempt = 0;
  #wanted = false;
  #ready = false;
  #patient = false;
  /** How far this attempt has come. @type {'refused'|'silent'|'cut'|'heard'} */
  #reached = 'refused';
  #heartbeatMs = 25_000;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #retryTimer;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #quietTimer;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #steadyTimer;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #openTimer;

  /**
   * Fires `phase` (detail: 'connecting', 'online', 'waiting', 'idle'), `event` (detail: a server event), `left` (detail:
   * close code) when the server says not to come back, and `refused` (detail: 'refused', 'silent', 'cut') when an attempt
   * ended before the server said anything.
   * @param {string} url
   * @param {Partial<SocketParts> & Pick<SocketParts, 'token'|'renew'>} parts
   */
  constructor(url, parts) {
    super();
    this.#url = url;
    this.#parts = { connect: (/** @type {string} */ to) => new WebSocket(to), random: Math.random, ...parts };
  }

  get ready() {
    return this.#ready;
  }

  /** Whether it only tries now and then, because something on the way seems to block it. @param {boolean} patient */
  set patient(patient) {
    this.#patient = patient;
    this.#attempt = 0;
    if (this.#wanted && !this.#socket) this.#return(this.#delay());
  }

  start() {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#connect();
  }

  stop() {
    this.#wanted = false;
    this.#drop();
    this.#phase('idle');
  }

  /**
   * The page is visible again or the network is back: comes back at once instead of after the rest of the wait. A line
   * that is still there may have died unnoticed while the machine slept, so it has to answer.
   */
  nudge() {
    if (this.#ready) this.#ask('ping', {}, PROBE_TIMEOUT_MS).catch(() => {});
    if (!this.#wanted || this.#socket) return;
    this.#attempt = 0;
    this.#connect();
  }

  /** What is on the line is of no use any more (the network went away): start over. */
  cut() {
    if (this.#socket) this.#lost(1006, '');
  }

  /**
   * @param {string} type
   * @param {object} [fields]
   * @returns {Promise<any>} the result of `ok`; rejects with a Fault
   */
  command(type, fields = {}) {
    if (!this.#ready) return Promise.reject(networkFault('There is no connection.'));
    return this.#ask(type, fields);
  }

  async #connect() {
    clearTimeout(this.#retryTimer);
    this.#phase('connecting');
    const socket = this.#parts.connect(this.#url);
    this.#socket = socket;
    this.#reached = 'refused';
    this.#openTimer = setTimeout(() => this.#socket === socket && this.#unopened(), OPEN_TIMEOUT_MS);
    socket.onopen = () => {
      if (this.#socket !== socket) return;
      clearTimeout(this.#openTimer);
      this.#reached = 'cut';
      this.#greet(socket);
    };
    socket.onmessage = ({ data }) => this.#socket === socket && this.#heard(data);
    socket.onclose = ({ code, reason }) => this.#socket === socket && this.#lost(code, reason);
  }

  #unopened() {
    this.#reached = 'silent';
    this.#lost(1006, '');
  }

  /** @param {WebSocket} socket */
  async #greet(socket) {
    try {
      const token = await this.#parts.token();
      if (this.#socket !== socket) return;
      const hello = await this.#ask('hello', { token });
      this.#heartbeatMs = (hello.heartbeat_s ?? 25) * 1000;
      this.#ready = true;
      this.#steadyTimer = setTimeout(() => (this.#attempt = 0), STEADY_AFTER_MS);
      this.#phase('online');
    } catch (error) {
      if (this.#socket !== socket) return;
      const refused = error instanceof Fault && (error.status === 401 || error.code === 'unauthorized');
      this.#lost(refused ? 4401 : 1006, '');
    }
  }

  /** @param {string} data */
  #heard(data) {
    this.#watchQuiet();
    const frame = parse(data);
    if (!frame) return;
    this.#reached = 'heard';
    if (frame.type === 'ok') return this.#settle(frame.id, (waiting) => waiting.resolve(frame.result));
    if (frame.type === 'error') return this.#settle(frame.id, (waiting) => waiting.reject(faultOf(frame)));
    if (frame.type === 'auth.expiring') return void this.renew();
    this.dispatchEvent(new CustomEvent('event', { detail: frame }));
  }

  /** A new token on the live socket. Failing here is no fault: the server closes with 4401 and the next hello tries again. */
  async renew() {
    try {
      const token = await this.#parts.renew();
      if (this.#ready) await this.#ask('auth.refresh', { token });
    } catch {
      return;
    }
  }

  /**
   * @param {string} type
   * @param {object} fields
   * @param {number} [timeoutMs]
   */
  #ask(type, fields, timeoutMs = COMMAND_TIMEOUT_MS) {
    const id = String(this.#nextId++);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#unanswered(id), timeoutMs);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#socket?.send(JSON.stringify({ type, id, ...fields }));
    });
  }

  /** @param {string} id */
  #unanswered(id) {
    this.#settle(id, (waiting) => waiting.reject(new Fault('timeout', 'The server did not answer in time.', { retryable: true })));
    this.#lost(1006, '');
  }

  /**
   * @param {string} id
   * @param {(waiting: Waiting) => void} how
   */
  #settle(id, how) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    how(waiting);
  }

  /** The server's pings are invisible to a page, so a quiet line is tested with a ping of our own. */
  #watchQuiet() {
    clearTimeout(this.#quietTimer);
    this.#quietTimer = setTimeout(() => this.#ready && this.#ask('ping', {}).catch(() => {}), this.#heartbeatMs);
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  async #lost(code, reason) {
    this.#drop();
    const meaning = closeMeaning(code);
    if (meaning === 'leave') {
      this.#wanted = false;
      this.#phase('idle');
      this.dispatchEvent(new CustomEvent('left', { detail: code }));
      return;
    }
    if (!this.#wanted) return;
    this.#phase('waiting');
    if (this.#reached !== 'heard' && !isOfServer(code)) this.dispatchEvent(new CustomEvent('refused', { detail: this.#reached }));
    if (meaning === 'refresh') await this.#parts.renew().catch(() => {});
    if (!this.#wanted || this.#socket) return;
    this.#return(retryAfter(reason) ?? this.#delay());
    this.#attempt += 1;
  }

  #delay() {
    return (this.#patient ? patientDelay : retryDelay)(this.#attempt, this.#parts.random);
  }

  /** @param {number} delayMs */
  #return(delayMs) {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#connect(), delayMs);
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.#ready = false;
    for (const timer of [this.#openTimer, this.#retryTimer, this.#quietTimer, this.#steadyTimer]) clearTimeout(timer);
    for (const id of [...this.#waiting.keys()]) this.#settle(id, (waiting) => waiting.reject(networkFault('The connection was lost.')));
    if (socket && socket.readyState <= 1) socket.close(1000);
  }

  /** @param {string} phase */
  #phase(phase) {
    this.dispatchEvent(new CustomEvent('phase', { detail: phase }));
  }
}

/** @param {string} data */
function parse(data) {
  try {
    const frame = JSON.parse(data);
    return typeof frame?.type === 'string' ? frame : null;
  } catch {
    return null;
  }
}

/** @param {{code: string, message: string, retryable: boolean, retry_after_ms: number|null}} frame */
function faultOf(frame) {
  return new Fault(frame.code, frame.message, { retryable: frame.retryable, retryAfterMs: frame.retry_after_ms });
}

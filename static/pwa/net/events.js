/**
 * Follows one run by streaming requests until it ends: cut lines, expired tokens and proxies that hold text back cost
 * time, never text. Knows positions as the server's opaque words; what the events mean is elsewhere.
 *
 * @typedef {{api: import('./api.js').Api, tell: (event: any) => void, gone: () => void, way: {whole: boolean},
 *            random: () => number}} EventsParts
 *   `tell` gets each event; `gone`: the server knows of no such run; `way.whole`: something on the way passes only
 *   whole answers (shared by all runs of the page, for they take the same way).
 */
import { retryDelay } from '../core/backoff.js';
import { SseParser } from '../core/sse.js';
import { asFault } from './faults.js';

/** The server's first line comes at once. When nothing has come by then, something keeps it. */
const FIRST_BYTES_MS = 3_000;
/** Then each request is short: text comes in pieces of this length, because each answer is passed on at its end. */
const PIECE_S = 2;
/** The server says something every 15 s; two times not, and the line is dead. */
const QUIET_MS = 35_000;
/** A short request whose first text came so long before its end was passed on as it grew: nothing is held any more. */
const EARLY_MS = 500;

export class RunEvents {
  #parts;
  #runId;
  #at;
  #stopped = new AbortController();
  #attempt = 0;
  /** Whether anything has been told yet. */
  told = false;
  /** Whether the run has ended here: nothing follows. */
  ended = false;

  /**
   * @param {string} runId
   * @param {string} position of the last event that was applied; empty for none
   * @param {EventsParts} parts
   */
  constructor(runId, position, parts) {
    this.#runId = runId;
    this.#at = position;
    this.#parts = parts;
    this.#follow();
  }

  stop() {
    this.#stopped.abort();
  }

  async #follow() {
    while (!this.#stopped.signal.aborted) {
      const delayMs = await this.#read().catch((error) => this.#delayAfter(error));
      if (delayMs === null || this.#stopped.signal.aborted) return;
      await this.#pause(delayMs);
    }
  }

  /** One request. @returns {Promise<number|null>} when to ask again, in milliseconds; null when the run has ended */
  async #read() {
    const { whole } = this.#parts.way;
    const line = new Deadline(this.#stopped.signal, FIRST_BYTES_MS + (whole ? PIECE_S * 1000 : 0));
    try {
      return (await this.#take(line, whole)) ? null : this.#delayAfterPiece(line, whole);
    } catch (error) {
      if (!line.late || line.firstAt) throw error;
      this.#parts.way.whole = true;
      return whole ? this.#nextDelay() : 0;
    } finally {
      line.clear();
    }
  }

  /** @param {Deadline} line @param {boolean} short @returns {Promise<boolean>} whether the run has ended */
  async #take(line, short) {
    const path = `/runs/${this.#runId}/events${short ? `?seconds=${PIECE_S}` : ''}`;
    const response = await this.#parts.api.stream(path, { signal: line.signal, lastId: this.#at });
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    const parser = new SseParser(this.#at);
    const decoder = new TextDecoder();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      line.renew(QUIET_MS);
      for (const event of parser.push(decoder.decode(piece.value, { stream: true }))) if (this.#tell(event)) return true;
    }
    return false;
  }

  /** @param {Deadline} line @param {boolean} short */
  #delayAfterPiece(line, short) {
    const now = performance.now();
    if (!short) return this.#nextDelay();
    this.#parts.way.whole = now - line.firstAt < EARLY_MS;
    return now - line.begunAt > EARLY_MS ? 0 : this.#nextDelay();
  }

  /** @param {import('../core/sse.js').SentEvent} event @returns {boolean} whether it was the last one */
  #tell({ type, id, data }) {
    if (this.#stopped.signal.aborted) return true;
    this.#parts.tell(JSON.parse(data));
    this.#at = id;
    this.#attempt = 0;
    this.told = true;
    return (this.ended = type === 'run.completed');
  }

  /** @param {unknown} error @returns {number|null} */
  #delayAfter(error) {
    const fault = asFault(error);
    if (this.#stopped.signal.aborted || fault.status === 401) return null;
    if (fault.status === 404) {
      this.#parts.gone();
      return null;
    }
    return fault.retryAfterMs ?? this.#nextDelay();
  }

  #nextDelay() {
    return retryDelay(this.#attempt++, this.#parts.random);
  }

  /** @param {number} delayMs @returns {Promise<void>} */
  #pause(delayMs) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      this.#stopped.signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
    });
  }
}

/** Ends a request when nothing has come for too long, or when nobody wants it any more. */
class Deadline {
  #given = new AbortController();
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  late = false;
  begunAt = performance.now();
  /** 0 while nothing has come. */
  firstAt = 0;

  /** @param {AbortSignal} stopped @param {number} timeoutMs */
  constructor(stopped, timeoutMs) {
    stopped.addEventListener('abort', () => this.clear(), { once: true, signal: this.signal });
    this.#set(timeoutMs);
  }

  get signal() {
    return this.#given.signal;
  }

  /** Something has come. @param {number} timeoutMs */
  renew(timeoutMs) {
    this.firstAt ||= performance.now();
    this.#set(timeoutMs);
  }

  clear() {
    clearTimeout(this.#timer);
    this.#given.abort();
  }

  /** @param {number} timeoutMs */
  #set(timeoutMs) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.late = true;
      this.#given.abort();
    }, timeoutMs);
  }
}

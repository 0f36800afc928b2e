/**
 * Sends what waits, in order, one at a time, until the server has it: across lost connections and reloads. The
 * client_id makes a second sending harmless. Draws nothing.
 *
 * @typedef {import('../core/state.js').OutboxEntry} OutboxEntry
 */
import { retryDelay } from '../core/backoff.js';
import { isUnsent } from '../core/state.js';
import { asFault, asRunError } from '../net/faults.js';

export class Outbox {
  #parts;
  #flushing = false;
  #attempt = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;

  /**
   * @param {{line: import('./fallback.js').Line, store: import('../net/store.js').Store,
   *          holder: import('./holder.js').Holder, onSession: (unsentId: string, id: string) => void}} parts
   *   `onSession`: the server has made a session that existed only here
   */
  constructor(parts) {
    this.#parts = parts;
  }

  /** Takes up what an earlier page left unsent. @returns {Promise<OutboxEntry[]>} */
  async restore() {
    const entries = await this.#parts.store.outbox();
    for (const entry of entries) {
      const state = entry.state === 'failed' ? 'failed' : 'waiting';
      this.#parts.holder.dispatch({ type: 'local.entry_queued', entry: { ...entry, state } });
    }
    return entries;
  }

  /**
   * @param {{session_id: string, text: string, message_id?: string|null, parent_id?: string|null}} message
   */
  add({ session_id, text, message_id = null, parent_id = null }) {
    /** @type {OutboxEntry} */
    const entry = { client_id: uuid(), session_id, message_id, parent_id, text, created_at: new Date().toISOString(), state: 'waiting', error: null };
    this.#parts.holder.dispatch({ type: 'local.entry_queued', entry });
    this.#parts.store.keepEntry(entry);
    this.flush();
  }

  /** @param {string} clientId */
  resend(clientId) {
    this.#change(clientId, { state: 'waiting', error: null });
    this.flush();
  }

  /** @param {string} clientId */
  drop(clientId) {
    this.#parts.holder.dispatch({ type: 'local.entry_dropped', client_id: clientId });
    this.#parts.store.dropEntry(clientId);
  }

  async flush() {
    if (this.#flushing) return;
    clearTimeout(this.#timer);
    this.#flushing = true;
    try {
      for (let entry = this.#next(); entry && this.#parts.line.ready; entry = this.#next()) {
        if (!(await this.#send(entry))) return;
      }
    } finally {
      this.#flushing = false;
    }
  }

  /** What waits first; a session that is not made yet is made by its first message only. */
  #next() {
    const { outbox } = this.#parts.holder.state;
    return outbox.find((entry, index) => entry.state === 'waiting' && !(isUnsent(entry.session_id) && outbox.slice(0, index).some((other) => other.session_id === entry.session_id)));
  }

  /**
   * @param {OutboxEntry} entry
   * @returns {Promise<boolean>} whether to go on with the next one
   */
  async #send(entry) {
    this.#change(entry.client_id, { state: 'sending' });
    try {
      const sent = await this.#parts.line.command(...commandOf(entry));
      this.#attempt = 0;
      this.#acknowledged(entry, sent.session_id ?? entry.session_id, sent.notice ?? null);
      return true;
    } catch (error) {
      return this.#failed(entry, asFault(error));
    }
  }

  /**
   * @param {OutboxEntry} entry
   * @param {string} sessionId
   * @param {string|null} help what the server wants its writer to read
   */
  #acknowledged(entry, sessionId, help) {
    const { holder, store, onSession } = this.#parts;
    holder.dispatch({ type: 'local.entry_acknowledged', client_id: entry.client_id, session_id: sessionId, help });
    store.dropEntry(entry.client_id);
    if (!isUnsent(entry.session_id)) return;
    for (const other of holder.state.outbox) if (other.session_id === sessionId && other.state !== 'sent') store.keepEntry(other);
    onSession(entry.session_id, sessionId);
  }

  /**
   * @param {OutboxEntry} entry
   * @param {import('../net/faults.js').Fault} fault
   */
  #failed(entry, fault) {
    if (fault.code === 'network' || fault.code === 'timeout') {
      this.#change(entry.client_id, { state: 'waiting' });
      return false;
    }
    if (!fault.retryable) {
      this.#change(entry.client_id, { state: 'failed', error: asRunError(fault) });
      return true;
    }
    this.#change(entry.client_id, { state: 'waiting', error: asRunError(fault) });
    this.#timer = setTimeout(() => this.flush(), fault.retryAfterMs ?? retryDelay(this.#attempt++));
    return false;
  }

  /**
   * @param {string} clientId
   * @param {Partial<OutboxEntry>} change
   */
  #change(clientId, change) {
    const { holder, store } = this.#parts;
    holder.dispatch({ type: 'local.entry_changed', client_id: clientId, change });
    const entry = holder.state.outbox.find((other) => other.client_id === clientId);
    if (entry) store.keepEntry(entry);
  }
}

/**
 * @param {OutboxEntry} entry
 * @returns {[string, object]}
 */
function commandOf({ client_id, session_id, message_id, text }) {
  if (message_id) return ['message.edit', { message_id, client_id, text }];
  return ['message.send', { session_id: isUnsent(session_id) ? null : session_id, client_id, text }];
}

/** `crypto.randomUUID` exists only in secure contexts; a self-hosted page may be plain http on a LAN. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (/** @type {number} */ (bytes[6]) & 0x0f) | 0x40;
  bytes[8] = (/** @type {number} */ (bytes[8]) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

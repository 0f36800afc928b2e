/**
 * Keeps the open session true: opens it, asks again where something was missed, checks finished answers, keeps it for
 * reading offline. Draws nothing; what waits to be sent is in outbox.js.
 */
import { NOTHING_OLDER } from '../core/reduce_older.js';
import { isUnsent } from '../core/state.js';
import { holdsOf } from '../core/reduce_open.js';
import { asFault } from '../net/faults.js';
import { isSameText } from '../net/verify.js';

/** Time for the messages that a list event has announced to arrive by themselves. */
const SETTLE_MS = 400;

export class Conversation {
  #parts;
  #asking = false;
  /** Counts where the person went: what was asked of the device for another place is too late. */
  #went = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #settleTimer;

  /**
   * @param {{line: import('./fallback.js').Line, store: import('../net/store.js').Store,
   *          holder: import('./holder.js').Holder, report: (error: unknown) => void}} parts
   */
  constructor(parts) {
    this.#parts = parts;
    parts.line.addEventListener('event', (event) => this.#heard(/** @type {CustomEvent} */ (event).detail));
    parts.line.addEventListener('missed', (event) => this.#missed(/** @type {CustomEvent} */ (event).detail));
    parts.holder.onChange((state, before) => {
      if (state.open === before.open || !state.open) return;
      if (state.open.behind) this.ask();
      if (state.open.seen > state.open.revision) this.#askIfUnsettled();
      if (state.open.revision !== before.open?.revision || state.open.older !== before.open.older) this.#keep();
    });
  }

  /** @param {string} id */
  async open(id) {
    const { holder, store, line } = this.#parts;
    const before = holder.state.open;
    const went = (this.#went += 1);
    if (before?.id === id || holder.state.account !== 'in') return;
    if (before && !isUnsent(before.id)) line.command('session.close', { session_id: before.id }).catch(() => {});
    const kept = await store.conversation(id);
    if (went !== this.#went || holder.state.account !== 'in') return;
    holder.dispatch({ type: 'local.session_opening', session_id: id, kept: kept && { revision: kept.revision, messages: kept.messages, older: kept.older ?? NOTHING_OLDER } });
    await this.ask();
  }

  /** Shows a session that exists only here so far. @param {string} unsentId */
  begin(unsentId) {
    this.#went += 1;
    this.#parts.holder.dispatch({ type: 'local.session_opening', session_id: unsentId, kept: { revision: 0, messages: {} } });
  }

  close() {
    this.#went += 1;
    const { holder, line } = this.#parts;
    const open = holder.state.open;
    if (!open) return;
    if (!isUnsent(open.id)) line.command('session.close', { session_id: open.id }).catch(() => {});
    holder.dispatch({ type: 'local.session_closed' });
  }

  /** Asks for what is missing; again, if more was missed while asking. @param {{fresh?: boolean}} [how] */
  async ask({ fresh = false } = {}) {
    const { holder, line } = this.#parts;
    if (this.#asking || !line.ready) return;
    this.#asking = true;
    try {
      do await this.#askOnce(fresh);
      while (holder.state.open?.behind && line.ready);
    } finally {
      this.#asking = false;
    }
  }

  /** @param {boolean} fresh */
  async #askOnce(fresh) {
    const { holder, line } = this.#parts;
    const open = holder.state.open;
    if (!open || isUnsent(open.id)) return;
    holder.dispatch({ type: 'local.asked' });
    const revision = fresh ? 0 : open.revision;
    try {
      const opened = await line.command('session.open', { session_id: open.id, revision, holds: holdsOf(open) });
      // A server that has gone back in time (a restored backup) takes our revision for 0 and sends everything.
      holder.dispatch({ type: 'local.session_opened', opened, fresh: revision === 0 || opened.revision < revision });
    } catch (error) {
      this.#refused(open.id, asFault(error));
    }
  }

  /**
   * @param {string} id
   * @param {import('../net/faults.js').Fault} fault
   */
  #refused(id, fault) {
    const { holder, store } = this.#parts;
    if (holder.state.open?.id !== id || fault.code === 'network' || fault.code === 'timeout') return;
    if (fault.code !== 'not_found') return holder.dispatch({ type: 'local.notice', notice: fault.message });
    store.dropConversation(id);
    holder.dispatch({ type: 'local.session_missing' });
  }

  /** @param {import('../core/protocol.js').ServerEvent} event */
  #heard(event) {
    const held = event.type === 'run.completed' ? this.#parts.holder.state.open?.runs[event.run_id] : undefined;
    this.#parts.holder.dispatch(event);
    if (event.type === 'run.completed') this.#verify(event, held);
  }

  /** @param {string} sessionId */
  #missed(sessionId) {
    const { holder } = this.#parts;
    if (holder.state.open?.id === sessionId) holder.dispatch({ type: 'local.behind' });
  }

  /**
   * The promise of this product, checked at every answer: what was shown is what the server has.
   * @param {import('../core/protocol.js').RunCompleted} event
   * @param {import('../core/state.js').Run|undefined} held
   */
  async #verify(event, held) {
    const { holder, report } = this.#parts;
    const sha256 = event.sha256?.text;
    const whole = held && held.parts.text.epoch === held.epoch && held.parts.text.offset === event.ends?.text;
    if (whole && !(await isSameText(held.parts.text.text, sha256))) report(new Error(`run ${event.run_id}: the text held differs from the server's`));
    if (await isSameText(event.message.text, sha256)) return;
    report(new Error(`run ${event.run_id}: the final text differs from its SHA-256`));
    if (holder.state.open?.id === event.session_id) await this.ask({ fresh: true });
  }

  #askIfUnsettled() {
    clearTimeout(this.#settleTimer);
    this.#settleTimer = setTimeout(() => {
      const open = this.#parts.holder.state.open;
      if (open && open.seen > open.revision) this.#parts.holder.dispatch({ type: 'local.behind' });
    }, SETTLE_MS);
  }

  #keep() {
    const open = this.#parts.holder.state.open;
    if (!open || isUnsent(open.id) || open.status !== 'ready' || open.revision === 0) return;
    this.#parts.store.keepConversation({ id: open.id, revision: open.revision, messages: open.messages, older: { ...open.older, status: 'idle' } });
  }
}

/** The one line above the composer. Its room is always there, so its words never move the page. */
import { inWords } from '../core/times.js';
import { act, h, Part, setText } from './dom.js';

const TICK_MS = 1_000;

export class StatusLine extends Part {
  #text = h('span', { class: 'status-text' });
  /** A time that runs down is not read out again and again. */
  #again = h('span', { class: 'status-again', 'aria-live': 'off' });
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  #action = h('button', { type: 'button', class: 'text-button', hidden: true });
  /** @type {import('../core/status.js').Line|null} */
  #line = null;

  /** @override */
  build() {
    this.setAttribute('role', 'status');
    this.append(h('span', { class: 'status-words' }, this.#text, this.#again), this.#action);
  }

  /** @override @param {AbortSignal} signal */
  attach(signal) {
    this.#action.addEventListener('click', () => this.#line?.action && act(this, this.#line.action.name, { id: this.#line.action.id }), { signal });
    signal.addEventListener('abort', () => clearTimeout(this.#timer));
    this.#tick();
  }

  /** @param {import('../core/status.js').Line|null} line */
  set line(line) {
    this.#line = line;
    setText(this.#text, line?.text ?? '');
    setText(this.#action, line?.action?.label ?? '');
    this.#action.hidden = !line?.action;
    this.#tick();
    this.className = line ? `status ${line.tone}${line.late ? ' late' : ''}` : 'status';
  }

  #tick() {
    clearTimeout(this.#timer);
    const again = this.#line?.again;
    const leftMs = again ? again.at - Date.now() : 0;
    setText(this.#again, again && leftMs > 0 ? ` ${again.lead} ${inWords(leftMs)}` : '');
    if (leftMs > 0 && this.isConnected) this.#timer = setTimeout(() => this.#tick(), TICK_MS);
  }
}

customElements.define('zg-status-line', StatusLine);

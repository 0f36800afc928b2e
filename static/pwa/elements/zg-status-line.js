/** The one line above the composer. Its room is always there, so its words never move the page. */
import { act, h, Part, setText } from './dom.js';

export class StatusLine extends Part {
  #text = h('span', { class: 'status-text' });
  #action = h('button', { type: 'button', class: 'text-button', hidden: true });
  /** @type {import('../core/status.js').Line|null} */
  #line = null;

  /** @override */
  build() {
    this.setAttribute('role', 'status');
    this.append(this.#text, this.#action);
  }

  /** @override @param {AbortSignal} signal */
  attach(signal) {
    this.#action.addEventListener('click', () => this.#line?.action && act(this, this.#line.action.name, { id: this.#line.action.id }), { signal });
  }

  /** @param {import('../core/status.js').Line|null} line */
  set line(line) {
    this.#line = line;
    setText(this.#text, line?.text ?? '');
    setText(this.#action, line?.action?.label ?? '');
    this.#action.hidden = !line?.action;
    this.className = line ? `status ${line.tone}${line.late ? ' late' : ''}` : 'status';
  }
}

customElements.define('zg-status-line', StatusLine);

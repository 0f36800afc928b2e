/** What stands above the oldest loaded turn: that earlier ones are coming, or that they could not be had. */
import { h, setText } from './dom.js';

/** @typedef {import('../core/state.js').Older} Older */

export class Above {
  #text = h('span');
  #again = h('button', { type: 'button', class: 'text-button', text: 'Try again', hidden: true });
  element = h('div', { class: 'above', role: 'status', hidden: true }, this.#text, this.#again);

  /** @param {() => void} load */
  constructor(load) {
    this.#again.addEventListener('click', load);
  }

  /** @param {Older} older */
  show(older) {
    this.element.hidden = !older.more;
    this.#again.hidden = older.status !== 'failed';
    setText(this.#text, older.status === 'failed' ? 'Earlier messages could not be loaded' : older.more ? 'Loading earlier messages…' : '');
  }
}

/** What was used, of how much, and when it is counted anew. */
import { usageLines } from '../../core/usage.js';
import { h } from '../dom.js';
import { Section } from './section.js';

export class Usage extends Section {
  /** @override */
  build() {
    this.head('Usage', 'What your answers have used. Days and months begin at midnight UTC.');
    this.load('usage');
  }

  /** @override @param {string} _verb @param {any} usage */
  done(_verb, usage) {
    this.body.replaceChildren(h('ul', { class: 'entries' }, ...usageLines(usage, Date.now()).map(item)));
  }
}

/** @param {import('../../core/usage.js').UsageLine} line */
function item({ title, text, when, share }) {
  const words = h('div', { class: 'entry-words' }, h('span', { class: 'entry-name', text: title }), h('span', { class: 'entry-line', text: when ? `${text}. ${when}.` : text }));
  if (share !== null) words.append(h('progress', { value: String(share), max: '1', 'aria-label': title }));
  return h('li', { class: 'entry' }, words);
}

customElements.define('zg-account-usage', Usage);

/**
 * What every section of the account dialog is: a heading, what it is about, what was done, and the last fault. A section
 * asks by `chat-account` {verb, form}; the answer comes to its `done` or `failed`.
 */
import { faultWords } from '../../core/times.js';
import { act, h, Part, setText } from '../dom.js';

export class Section extends Part {
  /** Whose account it is, and whether the server sends letters. */
  about = { email: '', mail: false };
  body = h('div', { class: 'section-body' });
  #said = h('p', { class: 'said', role: 'status' });
  #fault = h('p', { class: 'form-fault', role: 'alert' });
  /** Where the fault of a verb is shown, if not here. @type {Map<string, import('../fields.js').Form|null>} */
  #forms = new Map();
  /** What waits for the answer to a verb. @type {Map<string, HTMLElement>} */
  #places = new Map();

  /** @param {string} title @param {string} text */
  head(title, text) {
    this.append(h('h3', { text: title, tabindex: '-1' }), h('p', { class: 'section-text', text }), this.#said, this.#fault, this.body);
  }

  /**
   * @param {string} verb
   * @param {object} [form]
   * @param {import('../fields.js').Form|null} [from] where a fault is shown
   */
  ask(verb, form = {}, from = null) {
    this.#forms.set(verb, from);
    setText(this.#fault, '');
    act(this, 'account', { verb, form });
  }

  /**
   * Asks for what a place shows. Until that is there, and when it does not come, the place says so.
   * @param {string} verb
   * @param {HTMLElement} [place]
   */
  load(verb, place = this.body) {
    if (!place.hasChildNodes()) place.append(h('p', { class: 'entry-line loading', text: 'Loading…' }));
    this.#places.set(verb, place);
    this.ask(verb);
  }

  /** What a section makes of an answer is its own. @param {string} _verb @param {any} _answer */
  done(_verb, _answer) {}

  /** @param {import('../../net/faults.js').Fault} fault @param {string} [verb] */
  failed(fault, verb = '') {
    const form = this.#forms.get(verb);
    if (form) return form.failed(fault);
    setText(this.#fault, faultWords(fault));
    const place = this.#places.get(verb);
    if (place?.querySelector('.loading')) place.replaceChildren(button('Try again', () => this.#again(verb, place)));
  }

  /** @param {string} verb @param {HTMLElement} place */
  #again(verb, place) {
    place.replaceChildren();
    this.load(verb, place);
  }

  /** What was done, in words. @param {string} text */
  say(text) {
    setText(this.#said, text);
  }

  /** What had the focus may be gone. */
  focusHead() {
    this.querySelector('h3')?.focus();
  }
}

/**
 * @param {string} label
 * @param {() => void} run
 * @param {{tone?: string, name?: string}} [how] `name` for those who listen, where the label alone says too little
 */
export function button(label, run, { tone = '', name } = {}) {
  const made = h('button', { type: 'button', class: `button ${tone}`, text: label, 'aria-label': name });
  made.addEventListener('click', run);
  return made;
}

/**
 * One entry of a list: its name, some lines about it, and what can be done with it.
 * @param {string} name
 * @param {(string|false|null)[]} lines
 * @param {HTMLElement|null} action
 */
export function entry(name, lines, action) {
  const words = h('div', { class: 'entry-words' }, h('span', { class: 'entry-name', text: name }));
  for (const text of lines) if (text) words.append(h('span', { class: 'entry-line', text }));
  return h('li', { class: 'entry' }, words, action);
}

/** The account dialog: one section at a time, made when it is shown and gone, with all that it showed, when it is left. */
import './zg-account-data.js';
import './zg-account-devices.js';
import './zg-account-email.js';
import './zg-account-factor.js';
import './zg-account-keys.js';
import './zg-account-password.js';
import './zg-account-usage.js';
import { h, Part } from '../dom.js';
import { icon } from '../icons.js';

/** @typedef {import('./section.js').Section} Section */

const SECTIONS = Object.freeze({
  usage: 'Usage',
  devices: 'Devices',
  password: 'Password',
  factor: 'Second factor',
  email: 'Email',
  keys: 'API keys',
  data: 'Your data',
});

export class AccountDialog extends Part {
  about = { email: '', mail: false };
  onClose = () => {};
  #close = h('button', { type: 'button', class: 'tool', 'aria-label': 'Close' }, icon('close'));
  #nav = h('nav', { class: 'account-nav', 'aria-label': 'Sections of the account' });
  #place = h('div', { class: 'account-section' });
  #dialog = /** @type {HTMLDialogElement} */ (h('dialog', { class: 'account-dialog', 'aria-labelledby': 'account-title' }));

  /** @override */
  build() {
    for (const [name, label] of Object.entries(SECTIONS)) this.#nav.append(h('button', { type: 'button', 'data-name': name, 'data-label': label, text: label }));
    this.#dialog.append(h('div', { class: 'account-head' }, h('h2', { id: 'account-title', text: 'Account' }), this.#close), this.#nav, this.#place);
    this.append(this.#dialog);
    this.#show('usage');
  }

  /** @override @param {AbortSignal} signal */
  attach(signal) {
    this.#nav.addEventListener('click', (event) => this.#choose(event.target), { signal });
    this.#close.addEventListener('click', () => this.#dialog.close(), { signal });
    this.#dialog.addEventListener('close', () => this.#leave(), { signal });
    this.#dialog.showModal();
  }

  /** @param {EventTarget|null} target */
  #choose(target) {
    const name = target instanceof HTMLElement ? target.dataset['name'] : undefined;
    if (name) this.#show(name);
  }

  /** @param {string} name */
  #show(name) {
    for (const each of /** @type {Iterable<HTMLElement>} */ (this.#nav.children)) {
      if (each.dataset['name'] === name) choose(each);
      else each.removeAttribute('aria-current');
    }
    const section = /** @type {Section} */ (h(`zg-account-${name}`));
    section.about = this.about;
    this.#place.replaceChildren(section);
    this.#place.scrollTop = 0;
  }

  #leave() {
    this.remove();
    this.onClose();
  }
}

/** On a phone it may stand beside the edge. @param {HTMLElement} button */
function choose(button) {
  button.setAttribute('aria-current', 'true');
  button.scrollIntoView?.({ block: 'nearest', inline: 'center' });
}

customElements.define('zg-account', AccountDialog);

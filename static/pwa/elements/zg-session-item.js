/** One line of the list: a link to the session, its menu, and its title as a field while it is renamed. */
import { act, h, isOfInputMethod, Part, setText } from './dom.js';
import { icon } from './icons.js';
import { pathOf } from '../core/routes.js';

export class SessionItem extends Part {
  #link = h('a', { class: 'session-link' });
  #more = h('button', { type: 'button', class: 'tool', 'aria-label': 'Rename or delete', 'aria-haspopup': 'menu' }, icon('more'));
  /** @type {HTMLInputElement|null} */
  #field = null;
  /** @type {import('../core/protocol.js').Session|null} */
  #session = null;

  /** @override */
  build() {
    this.append(this.#link, this.#more);
  }

  /** @override @param {AbortSignal} signal */
  attach(signal) {
    this.#link.addEventListener('click', (event) => this.#open(event), { signal });
    this.#more.addEventListener('click', () => act(this, 'session-menu', { id: this.#session?.id, button: this.#more }), { signal });
    this.addEventListener('dblclick', () => this.rename(), { signal });
  }

  /** @param {{session: import('../core/protocol.js').Session, current: boolean}} data */
  set data({ session, current }) {
    this.#session = session;
    setText(this.#link, session.title || 'New chat');
    this.#link.setAttribute('href', pathOf(session.id));
    if (current) this.#link.setAttribute('aria-current', 'page');
    else this.#link.removeAttribute('aria-current');
    this.classList.toggle('current', current);
  }

  rename() {
    if (this.#field || !this.#session) return;
    const field = /** @type {HTMLInputElement} */ (h('input', { class: 'input rename', 'aria-label': 'Title', placeholder: 'Title', maxlength: '200', value: this.#session.title }));
    field.addEventListener('keydown', (event) => this.#key(event));
    field.addEventListener('blur', () => this.#endRename(true));
    this.#field = field;
    this.#link.replaceWith(field);
    field.focus();
    field.select();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (isOfInputMethod(event)) return;
    if (event.key === 'Enter') this.#endRename(true);
    if (event.key === 'Escape') {
      event.stopPropagation();
      this.#endRename(false);
    }
  }

  /** @param {boolean} keep */
  #endRename(keep) {
    const field = this.#field;
    if (!field || !this.#session) return;
    this.#field = null;
    field.replaceWith(this.#link);
    const title = field.value.trim();
    if (keep && title && title !== this.#session.title) act(this, 'rename', { id: this.#session.id, title });
    else this.#link.focus();
  }

  /** A plain click stays on this page; a click that asks for a new tab is the browser's. @param {MouseEvent} event */
  #open(event) {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    act(this, 'open', { id: this.#session?.id });
  }
}

customElements.define('zg-session-item', SessionItem);

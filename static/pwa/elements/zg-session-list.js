/** The side of the page: new chat, find, the sessions by day, and who is signed in. Holds only what is typed to find. */
import './zg-session-item.js';
import { dayHeading } from '../core/days.js';
import { sortedSessions } from '../core/reduce_list.js';
import { act, h, Part, setText } from './dom.js';
import { icon, mark } from './icons.js';

/** @typedef {import('./zg-session-item.js').SessionItem} SessionItem */

export class SessionList extends Part {
  #new = h('button', { type: 'button', class: 'button new-chat' }, icon('plus'), 'New chat');
  #find = /** @type {HTMLInputElement} */ (h('input', { type: 'search', class: 'input', placeholder: 'Find a chat', 'aria-label': 'Find a chat', autocomplete: 'off' }));
  #key = h('kbd', { text: /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘K' : 'Ctrl K' });
  #sessions = h('div', { class: 'sessions' });
  #none = h('p', { class: 'sessions-none', hidden: true });
  #name = h('span', { class: 'account-name' });
  #account = h('button', { type: 'button', class: 'account', 'aria-haspopup': 'menu' }, this.#name, icon('more'));
  #end = h('div', { class: 'sessions-end' });
  /** @type {Map<string, SessionItem>} */
  #items = new Map();
  /** @type {import('../core/state.js').State|null} */
  #state = null;

  /** @override */
  build() {
    this.append(
      h('div', { class: 'side-head' }, h('div', { class: 'brand' }, mark(), h('span', { text: 'Z-GPT' })), this.#new, h('div', { class: 'find' }, icon('find'), this.#find, this.#key)),
      h('div', { class: 'side-body' }, this.#sessions, this.#none, this.#end),
      h('div', { class: 'side-foot' }, this.#account),
    );
  }

  /** @override @param {AbortSignal} signal */
  attach(signal) {
    this.#new.addEventListener('click', () => act(this, 'new'), { signal });
    this.#find.addEventListener('input', () => this.#found(), { signal });
    this.#find.addEventListener('keydown', (event) => this.#findKey(event), { signal });
    this.#sessions.addEventListener('keydown', (event) => this.#listKey(event), { signal });
    this.#account.addEventListener('click', () => act(this, 'account-menu', { button: this.#account }), { signal });
    const near = new IntersectionObserver((seen) => seen.some(({ isIntersecting }) => isIntersecting) && act(this, 'more'));
    near.observe(this.#end);
    signal.addEventListener('abort', () => near.disconnect());
  }

  /** @param {import('../core/state.js').State} state */
  set state(state) {
    const before = this.#state;
    this.#state = state;
    if (before && before.list === state.list && before.open?.id === state.open?.id && before.user === state.user) return;
    this.#update();
  }

  find() {
    this.#find.focus();
    this.#find.select();
  }

  /** @param {string} id */
  rename(id) {
    this.#items.get(id)?.rename();
  }

  #update() {
    const state = this.#state;
    if (!state) return;
    setText(this.#name, state.user?.name || state.user?.email || '');
    const words = this.#find.value.trim().toLowerCase();
    const all = sortedSessions(state.list.byId);
    const found = words ? all.filter(({ title }) => title.toLowerCase().includes(words)) : all;
    this.#arrange(found, state.open?.id ?? '', words === '');
    this.#none.hidden = found.length > 0 || !state.list.ready;
    setText(this.#none, words ? 'No chat has these words in its title' : 'Your chats will be listed here');
  }

  /**
   * @param {import('../core/protocol.js').Session[]} sessions
   * @param {string} currentId
   * @param {boolean} byDay
   */
  #arrange(sessions, currentId, byDay) {
    const now = new Date();
    /** @type {Element[]} */
    const wanted = [];
    let heading = '';
    for (const session of sessions) {
      const day = dayHeading(session.updated_at, now);
      if (byDay && day !== heading) wanted.push(this.#heading(day));
      heading = day;
      const item = this.#items.get(session.id) ?? this.#make(session.id);
      item.data = { session, current: session.id === currentId };
      wanted.push(item);
    }
    const ids = new Set(sessions.map(({ id }) => id));
    for (const id of this.#items.keys()) if (!ids.has(id)) this.#items.delete(id);
    arrangeChildren(this.#sessions, wanted);
  }

  /** @param {string} day */
  #heading(day) {
    const there = [...this.#sessions.children].find((child) => child.tagName === 'H2' && child.textContent === day);
    return there ?? h('h2', { class: 'day', text: day });
  }

  /** @param {string} id */
  #make(id) {
    const item = /** @type {SessionItem} */ (document.createElement('zg-session-item'));
    this.#items.set(id, item);
    return item;
  }

  #found() {
    act(this, 'all');
    this.#update();
  }

  /** @param {KeyboardEvent} event */
  #findKey(event) {
    const first = this.#links()[0];
    if (event.key === 'ArrowDown') first?.focus();
    else if (event.key === 'Enter') first?.click();
    else if (event.key === 'Escape' && this.#find.value) event.stopPropagation();
    else return;
    if (event.key === 'ArrowDown') return event.preventDefault();
    this.#find.value = '';
    this.#update();
  }

  /** @param {KeyboardEvent} event */
  #listKey(event) {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    const links = this.#links();
    const at = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (!step || at < 0) return;
    event.preventDefault();
    (links[at + step] ?? (step < 0 ? this.#find : links[at]))?.focus();
  }

  #links() {
    return /** @type {HTMLElement[]} */ ([...this.#sessions.querySelectorAll('.session-link')]);
  }
}

/**
 * @param {Element} parent
 * @param {Element[]} wanted
 */
function arrangeChildren(parent, wanted) {
  const keep = new Set(wanted);
  for (const child of [...parent.children]) if (!keep.has(child)) child.remove();
  wanted.forEach((child, index) => {
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  });
}

customElements.define('zg-session-list', SessionList);

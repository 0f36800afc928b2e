/**
 * The whole page: which of its faces is shown, the drawer, and the keys that work everywhere. Data goes down to the
 * two sides from here; their actions go up through it.
 */
import './zg-conversation.js';
import './zg-door.js';
import './zg-session-list.js';
import './zg-sign-in.js';
import { act, h, isOfInputMethod, Part } from './dom.js';

/** @typedef {import('../core/state.js').State} State */

export class App extends Part {
  #list = makeList();
  #conversation = makeConversation();
  #scrim = h('div', { class: 'scrim' });
  #layout = h('div', { class: 'layout' }, this.#list, this.#scrim, this.#conversation);
  #signIn = /** @type {import('./zg-sign-in.js').SignIn} */ (h('zg-sign-in'));
  #door = /** @type {import('./zg-door.js').DoorCard} */ (h('zg-door'));
  /** Whose the two sides are; empty while nobody has used them. */
  #owner = '';
  #narrowPage = matchMedia('(max-width: 52rem)');

  get list() {
    return this.#list;
  }

  get conversation() {
    return this.#conversation;
  }

  get signIn() {
    return this.#signIn;
  }

  get door() {
    return this.#door;
  }

  /** @override @param {AbortSignal} signal */
  attach(signal) {
    document.addEventListener('keydown', (event) => this.#key(event), { signal });
    this.#scrim.addEventListener('click', () => (this.drawer = false), { signal });
    // A page that has grown wide has no drawer: what lay below it must not stay out of reach.
    this.#narrowPage.addEventListener?.('change', () => (this.drawer = false), { signal });
    this.addEventListener('chat-drawer', (event) => (this.drawer = /** @type {CustomEvent} */ (event).detail.open), { signal });
    for (const name of ['chat-open', 'chat-new']) this.addEventListener(name, () => (this.drawer = false), { signal });
  }

  /** @param {State} state */
  set state(state) {
    this.#door.door = state.door;
    this.#face(state);
    if (state.account === 'out') this.#signIn.about = { signup: state.app?.signup ?? true, mail: state.app?.mail ?? false, notice: state.notice ?? '' };
    const title = state.open?.session?.title;
    document.title = title ? `${title} · Z-GPT` : 'Z-GPT';
    if (state.account !== 'in') return;
    this.#list.state = state;
    this.#conversation.state = state;
  }

  /** @param {boolean} open */
  set drawer(open) {
    this.#layout.classList.toggle('drawer-open', open);
    this.#conversation.toggleAttribute('inert', open && this.#narrowPage.matches);
    if (open && this.#narrowPage.matches) this.#list.querySelector('button')?.focus();
  }

  /** @param {State} state */
  #face({ account, door, user }) {
    // Nothing is painted while a tab sleeps: it may go from one person to the next without a card between them.
    const left = this.#owner !== '' && (account === 'out' || (account === 'in' && user?.id !== this.#owner));
    if (left) this.#forget();
    const wanted = door ? this.#door : account === 'in' ? this.#layout : account === 'out' ? this.#signIn : null;
    if (account === 'in' && wanted === this.#layout) this.#owner = user?.id ?? '';
    if (!wanted || (wanted.parentNode === this && !left)) return;
    if (wanted === this.#signIn) this.#signIn.rest();
    this.replaceChildren(wanted);
    if (wanted === this.#layout && matchMedia('(hover: hover)').matches) this.#conversation.focusComposer();
    // The card that was used still holds the password.
    if (wanted === this.#layout) this.#signIn = /** @type {import('./zg-sign-in.js').SignIn} */ (h('zg-sign-in'));
  }

  /** Drafts, words that were searched, what was read aloud, a question that was asked: nothing of one person is there for the next. */
  #forget() {
    this.#owner = '';
    closeAbove();
    this.#list = makeList();
    this.#conversation = makeConversation();
    this.#layout.replaceChildren(this.#list, this.#scrim, this.#conversation);
    this.#layout.classList.remove('drawer-open');
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!this.#layout.isConnected || event.defaultPrevented || isOfInputMethod(event) || document.querySelector('dialog[open]')) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      this.drawer = true;
      this.#list.find();
    } else if (event.key === 'Escape') this.#escape();
  }

  #escape() {
    if (document.querySelector('.menu:popover-open')) return;
    if (this.#layout.classList.contains('drawer-open')) {
      this.drawer = false;
      this.#conversation.focusComposer();
    } else act(this, 'stop');
  }
}

/** What stands above the page: its dialogs and menus. */
function closeAbove() {
  for (const dialog of /** @type {NodeListOf<HTMLDialogElement>} */ (document.querySelectorAll('dialog[open]'))) dialog.close();
  for (const menu of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('.menu'))) menu.remove();
}

function makeList() {
  return /** @type {import('./zg-session-list.js').SessionList} */ (h('zg-session-list', { role: 'navigation', 'aria-label': 'Chats' }));
}

function makeConversation() {
  return /** @type {import('./zg-conversation.js').Conversation} */ (h('zg-conversation', { role: 'main' }));
}

customElements.define('zg-app', App);

/** The middle of the page: title, turns, the line of state, the composer. Data goes down from here; it adds no actions. */
import './zg-composer.js';
import './zg-empty.js';
import './zg-message-list.js';
import './zg-status-line.js';
import { NOTHING_OLDER } from '../core/reduce_older.js';
import { lastQuestion, rowsOf } from '../core/screen.js';
import { isLive } from '../core/protocol.js';
import { statusLine } from '../core/status.js';
import { act, h, Part, setText } from './dom.js';
import { icon } from './icons.js';

/** @typedef {import('../core/state.js').State} State */

export class Conversation extends Part {
  #menu = h('button', { type: 'button', class: 'tool phone-only', 'aria-label': 'Open the list of chats' }, icon('menu'));
  #title = h('h1', { class: 'conversation-title' });
  #more = h('button', { type: 'button', class: 'tool', 'aria-label': 'More about this chat', 'aria-haspopup': 'menu' }, icon('more'));
  #fresh = h('button', { type: 'button', class: 'tool phone-only', 'aria-label': 'New chat' }, icon('plus'));
  #list = /** @type {import('./zg-message-list.js').MessageList} */ (h('zg-message-list'));
  #empty = /** @type {import('./zg-empty.js').Empty} */ (h('zg-empty'));
  #missing = h('div', { class: 'missing', hidden: true }, h('h2', { text: 'This chat is not here' }), h('p', { text: 'It was deleted, or it belongs to another account.' }));
  #status = /** @type {import('./zg-status-line.js').StatusLine} */ (h('zg-status-line'));
  #composer = /** @type {import('./zg-composer.js').Composer} */ (h('zg-composer'));
  #help = h('aside', { class: 'help-card', role: 'note', 'aria-live': 'polite', hidden: true });
  #spoken = h('div', { class: 'visually-hidden', 'aria-live': 'polite' });
  #shown = '';

  /** @override */
  build() {
    const back = h('button', { type: 'button', class: 'button primary', text: 'Start a new chat' });
    back.addEventListener('click', () => act(this, 'new'));
    this.#missing.append(back);
    this.append(
      h('div', { class: 'conversation-head' }, this.#menu, this.#title, this.#more, this.#fresh),
      h('div', { class: 'conversation-body' }, this.#list, this.#empty, this.#missing),
      h('div', { class: 'conversation-foot' }, h('div', { class: 'column' }, this.#help, this.#status, this.#composer)),
      this.#spoken,
    );
  }

  /** @override @param {AbortSignal} signal */
  attach(signal) {
    this.#menu.addEventListener('click', () => act(this, 'drawer', { open: true }), { signal });
    this.#fresh.addEventListener('click', () => act(this, 'new'), { signal });
    this.#more.addEventListener('click', () => act(this, 'session-menu', { id: this.#shown, button: this.#more }), { signal });
    this.addEventListener('chat-prompt', (event) => act(this, 'send', { text: /** @type {CustomEvent} */ (event).detail.text }), { signal });
    this.addEventListener('chat-edited', () => this.#composer.focus(), { signal });
    this.addEventListener('chat-edit-last', () => this.#editLast(), { signal });
    this.addEventListener('chat-send', () => this.#list.follow(), { signal });
  }

  /** @type {import('../core/screen.js').Row[]} */
  #rows = [];

  /** @param {State} state */
  set state(state) {
    const open = state.open;
    const moved = (open?.id ?? '') !== this.#shown;
    this.#shown = open?.id ?? '';
    this.#rows = rowsOf(state);
    if (moved) this.#list.follow();
    this.#list.hidden = open === null || open.status === 'missing';
    this.#list.view = { rows: this.#rows, older: open?.older ?? NOTHING_OLDER };
    this.#empty.app = state.app;
    this.#empty.hidden = open !== null;
    const help = open !== null && state.help?.session_id === open.id ? state.help.text : '';
    this.#help.hidden = !help;
    setText(this.#help, help);
    this.#missing.hidden = open?.status !== 'missing';
    this.#composer.hidden = open?.status === 'missing';
    setText(this.#title, open?.session?.title || (open?.status === 'missing' ? 'No chat' : 'New chat'));
    this.#more.hidden = !open?.session || open.status === 'missing';
    this.#status.line = statusLine(state, this.#rows);
    this.#composer.state = { live: this.#rows.some((row) => isLive(row.run?.status)), limitBytes: state.app?.limits.message_bytes ?? 32_768 };
  }

  /** The composer's draft, so that the page can keep one for each session. */
  get draft() {
    return this.#composer.draft;
  }

  set draft(text) {
    this.#composer.draft = text;
  }

  focusComposer() {
    this.#composer.focus();
  }

  /** Tells those who listen instead of read. @param {string} text */
  announce(text) {
    this.#spoken.textContent = text;
  }

  #editLast() {
    const row = lastQuestion(this.#rows);
    if (row) this.#list.edit(row.key);
  }
}

customElements.define('zg-conversation', Conversation);

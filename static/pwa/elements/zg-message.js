/**
 * One turn. A person's is a bubble of plain text that can be edited in place; the model's is Markdown on the page that
 * may still grow. Sends `chat-edit`, `chat-retry`, `chat-stop`, `chat-drop`, `chat-version`,
 * and `chat-undrawn` {error} for a text that the parser breaks on.
 *
 * @typedef {import('../core/screen.js').Row} Row
 */
import { grammars, GrowingMarkdown } from '../render/markdown.js';
import { copyFrom } from './clipboard.js';
import { act, h, isOfInputMethod, Part, setText } from './dom.js';
import { icon } from './icons.js';
import { TurnActions } from './turn_actions.js';

/** A question longer than this is folded: it should not push its own answer off the page. */
const LONG_CHARS = 1200;
const LONG_LINES = 14;

export class MessageTurn extends Part {
  /** @type {Row|null} */
  #row = null;
  /** @type {GrowingMarkdown|null} */
  #markdown = null;
  #name = h('h2', { class: 'turn-name' });
  /** At the head, where it does not move while the answer grows. */
  #stop = h('button', { type: 'button', class: 'text-button turn-stop', 'aria-label': 'Stop the answer', title: 'Esc', hidden: true }, icon('stop'), 'Stop');
  #body = h('div', { class: 'turn-body' });
  #note = h('span', { class: 'turn-note' });
  #whole = h('button', { type: 'button', class: 'text-button', 'aria-expanded': 'false', hidden: true, text: 'Show all' });
  #thoughtText = h('div', { class: 'thought-text' });
  #thought = h('details', { class: 'thought', hidden: true }, h('summary', { text: 'Reasoning' }), this.#thoughtText);
  #actions = new TurnActions((name, button) => this.#run(name, button));
  /** @type {HTMLElement|null} */
  #editor = null;

  /** @override @param {AbortSignal} signal */
  attach(signal) {
    this.addEventListener('click', (event) => this.#copyCode(event), { signal });
    grammars.addEventListener('loaded', () => this.#recolour(), { signal });
    this.#stop.addEventListener('click', () => act(this, 'stop'), { signal });
    this.#whole.addEventListener('click', () => this.#fold(this.#whole.getAttribute('aria-expanded') === 'true'), { signal });
  }

  /** @param {Row} row */
  set row(row) {
    const before = this.#row;
    this.#row = row;
    if (!before) this.#make(row);
    if (!before || changed(before, row)) this.#update(row, before);
  }

  /** Turns the bubble into a box with its text. */
  edit() {
    const row = this.#row;
    if (!row?.message || this.#editor) return;
    const box = /** @type {HTMLTextAreaElement} */ (h('textarea', { class: 'edit-box', 'aria-label': 'Edit the message' }));
    box.value = row.text;
    const cancel = h('button', { type: 'button', class: 'button', text: 'Cancel' });
    const form = h('form', { class: 'edit' }, box, h('div', { class: 'edit-actions' }, cancel, h('button', { type: 'submit', class: 'button primary', text: 'Send' })));
    cancel.addEventListener('click', () => this.#endEdit());
    form.addEventListener('submit', (event) => this.#submitEdit(event, box.value));
    box.addEventListener('keydown', (event) => this.#editKey(event, box.value));
    this.#editor = form;
    this.#body.replaceWith(form);
    box.focus();
    box.setSelectionRange(box.value.length, box.value.length);
  }

  /** @param {Row} row */
  #make(row) {
    this.className = `turn ${row.role}`;
    this.setAttribute('role', 'article');
    this.#body.className = row.role === 'assistant' ? 'turn-body prose' : 'turn-body bubble';
    if (row.role === 'assistant') this.#markdown = new GrowingMarkdown(this.#body);
    const head = row.role === 'assistant' ? [h('div', { class: 'turn-head' }, this.#name, this.#stop), this.#thought] : [h('h2', { class: 'visually-hidden', text: 'You' })];
    this.append(...head, this.#body, h('div', { class: 'turn-foot' }, this.#whole, this.#note, this.#actions.element));
  }

  /**
   * @param {Row} row
   * @param {Row|null} before
   */
  #update(row, before) {
    const live = row.run !== null;
    if (!before || before.text !== row.text || Boolean(before.run) !== live) this.#showText(row, live);
    this.#showThought(row, live);
    this.#stop.hidden = !live;
    this.classList.toggle('streaming', live);
    this.classList.toggle('waiting', live && row.text === '');
    this.classList.toggle('last', row.last);
    this.classList.toggle('unsent', row.pending !== null && row.pending.state !== 'failed');
    this.classList.toggle('failed', row.pending?.state === 'failed');
    setText(this.#name, row.name);
    setText(this.#note, noteOf(row));
    this.#actions.show(actionsOf(row), row.versions, row.message?.id ?? '');
  }

  /**
   * @param {Row} row
   * @param {boolean} live
   */
  #showText(row, live) {
    if (!this.#markdown) return this.#showQuestion(row.text);
    try {
      if (live) this.#markdown.grow(row.text);
      else this.#markdown.finish(row.text);
    } catch (error) {
      // One answer that cannot be drawn is read as plain text, and takes no other with it.
      this.#markdown = new GrowingMarkdown(this.#body);
      setText(this.#body, row.text);
      act(this, 'undrawn', { error });
    }
  }

  /** @param {string} text */
  #showQuestion(text) {
    setText(this.#body, text);
    const long = text.length > LONG_CHARS || text.split('\n').length > LONG_LINES;
    this.#fold(long && (this.#whole.hasAttribute('hidden') || this.#whole.getAttribute('aria-expanded') !== 'true'));
    this.#whole.hidden = !long;
  }

  /** @param {boolean} folded */
  #fold(folded) {
    this.#body.classList.toggle('folded', folded);
    this.#whole.setAttribute('aria-expanded', String(!folded));
    setText(this.#whole, folded ? 'Show all' : 'Show less');
  }

  #recolour() {
    const row = this.#row;
    if (!row || !this.#markdown || !row.text.includes('```')) return;
    if (row.run) this.#markdown.refresh();
    else this.#markdown.finish(row.text);
  }

  /**
   * @param {Row} row
   * @param {boolean} live
   */
  #showThought(row, live) {
    this.#thought.hidden = row.reasoning === '';
    if (this.#thought.hidden) return;
    setText(this.#thoughtText, row.reasoning);
    setText(/** @type {Element} */ (this.#thought.firstElementChild), live && row.text === '' ? 'Reasoning…' : 'Reasoning');
  }

  /**
   * @param {import('./turn_actions.js').ActionName} name
   * @param {HTMLElement} button
   */
  #run(name, button) {
    const row = this.#row;
    if (!row) return;
    if (name === 'copy') copyFrom(button, row.text);
    else if (name === 'edit') this.edit();
    else if (name === 'drop') act(this, 'drop', { client_id: row.key });
    else act(this, name, { id: row.message?.id });
  }

  /** @param {KeyboardEvent} event @param {string} text */
  #editKey(event, text) {
    if (isOfInputMethod(event)) return;
    if (event.key === 'Escape') {
      event.stopPropagation();
      this.#endEdit();
    } else if (event.key === 'Enter' && !event.shiftKey) this.#submitEdit(event, text);
  }

  /** @param {Event} event @param {string} text */
  #submitEdit(event, text) {
    event.preventDefault();
    const message = this.#row?.message;
    const wanted = text.trim();
    if (!message || !wanted) return;
    this.#endEdit();
    if (wanted !== message.text) act(this, 'edit', { message, text: wanted });
  }

  #endEdit() {
    this.#editor?.replaceWith(this.#body);
    this.#editor = null;
    act(this, 'edited');
  }

  /** @param {Event} event */
  #copyCode(event) {
    const button = event.target instanceof Element ? event.target.closest('[data-action=copy-code]') : null;
    if (button instanceof HTMLElement) copyFrom(button, button.closest('.code')?.querySelector('code')?.textContent ?? '');
  }
}

/** @param {Row} row */
function noteOf(row) {
  if (row.pending) return row.pending.state === 'failed' ? 'Not sent' : '';
  const status = row.message?.run?.status;
  if (row.last || row.run) return '';
  return status === 'stopped' ? 'Stopped early' : status === 'failed' ? 'Broke off' : '';
}

/**
 * @param {Row} row
 * @returns {import('./turn_actions.js').ActionName[]}
 */
function actionsOf(row) {
  if (row.pending) return row.pending.state === 'failed' ? ['copy', 'drop'] : ['copy'];
  if (row.role === 'user') return ['copy', 'edit'];
  if (row.run) return [];
  return row.text ? ['copy', 'retry'] : ['retry'];
}

/**
 * @param {Row} before
 * @param {Row} row
 */
function changed(before, row) {
  return before.text !== row.text || before.reasoning !== row.reasoning || before.message !== row.message || before.run !== row.run
    || before.pending !== row.pending || before.last !== row.last || before.name !== row.name || before.versions.join() !== row.versions.join();
}

customElements.define('zg-message', MessageTurn);

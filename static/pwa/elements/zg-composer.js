/**
 * Where the person writes. Grows with the text. Sends `chat-send` {text}, `chat-stop`, `chat-edit-last`; holds only the
 * draft.
 */
import { byteLength } from '../core/utf8.js';
import { act, h, isOfInputMethod, Part, setText } from './dom.js';
import { icon } from './icons.js';

export class Composer extends Part {
  #box = /** @type {HTMLTextAreaElement} */ (h('textarea', { id: 'composer', rows: '1', placeholder: 'Write a message', 'aria-label': 'Message', enterkeyhint: 'send', autocomplete: 'off' }));
  #send = h('button', { type: 'submit', class: 'round primary', 'aria-label': 'Send' }, icon('send'));
  #stop = h('button', { type: 'button', class: 'button stop', 'aria-label': 'Stop the answer', title: 'Esc', hidden: true }, icon('stop'), 'Stop');
  #note = h('p', { class: 'composer-note' });
  #form = h('form', { class: 'composer' });
  #live = false;
  #limitBytes = 32_768;

  /** @override */
  build() {
    this.#form.append(this.#box, this.#stop, this.#send);
    this.append(this.#form, this.#note);
    this.#update();
  }

  /** @override @param {AbortSignal} signal */
  attach(signal) {
    this.#form.addEventListener('submit', (event) => this.#submit(event), { signal });
    this.#form.addEventListener('pointerdown', (event) => event.target === this.#form && this.#focusSoon(event), { signal });
    this.#box.addEventListener('input', () => this.#update(), { signal });
    this.#box.addEventListener('keydown', (event) => this.#key(event), { signal });
    this.#stop.addEventListener('click', () => act(this, 'stop'), { signal });
  }

  /** @param {{live: boolean, limitBytes: number}} state whether an answer is being written, and the longest message */
  set state({ live, limitBytes }) {
    if (live === this.#live && limitBytes === this.#limitBytes) return;
    this.#live = live;
    this.#limitBytes = limitBytes;
    this.#update();
  }

  get draft() {
    return this.#box.value;
  }

  set draft(text) {
    this.#box.value = text;
    this.#update();
  }

  /** @override */
  focus() {
    this.#box.focus({ preventScroll: true });
  }

  /** @param {PointerEvent} event */
  #focusSoon(event) {
    event.preventDefault();
    this.focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (isOfInputMethod(event)) return;
    if (event.key === 'Enter' && !event.shiftKey && !event.altKey) this.#submit(event);
    else if (event.key === 'ArrowUp' && this.#box.value === '') {
      event.preventDefault();
      act(this, 'edit-last');
    }
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const text = this.#box.value.trim();
    if (!text || this.#live || this.#overBytes() > 0) return;
    this.draft = '';
    act(this, 'send', { text });
  }

  #overBytes() {
    const text = this.#box.value;
    return text.length * 3 <= this.#limitBytes ? 0 : byteLength(text.trim()) - this.#limitBytes;
  }

  #update() {
    this.#grow();
    const over = this.#overBytes();
    setText(this.#note, over > 0 ? `Too long by ${over.toLocaleString()} bytes` : '');
    this.#stop.hidden = !this.#live;
    this.#send.hidden = this.#live;
    this.#send.toggleAttribute('disabled', !this.#box.value.trim() || over > 0);
  }

  /** `field-sizing` does it where the browser has it. */
  #grow() {
    if (CSS.supports('field-sizing', 'content')) return;
    this.#box.style.height = 'auto';
    this.#box.style.height = `${this.#box.scrollHeight}px`;
  }
}

customElements.define('zg-composer', Composer);

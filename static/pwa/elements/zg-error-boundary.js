/** When this page itself breaks: words and a way on, above whatever else is open, instead of a page that is half there. */
import { h, Part } from './dom.js';

export class ErrorBoundary extends Part {
  #words = h('p', { class: 'broken-words' });
  #again = h('button', { type: 'button', class: 'button primary', text: 'Reload the page' });
  #on = h('button', { type: 'button', class: 'button', text: 'Go on' });
  #dialog = /** @type {HTMLDialogElement} */ (h('dialog', { class: 'dialog broken', role: 'alertdialog', 'aria-labelledby': 'broken-title' }));

  /** @override */
  build() {
    this.#dialog.append(
      h('h2', { id: 'broken-title', text: 'Something on this page broke' }),
      h('p', { text: 'Your messages are safe on the server. Reloading mends it almost always.' }),
      this.#words,
      h('div', { class: 'dialog-actions' }, this.#on, this.#again),
    );
    this.append(this.#dialog);
  }

  /** @override @param {AbortSignal} signal */
  attach(signal) {
    this.#again.addEventListener('click', () => location.reload(), { signal });
    this.#on.addEventListener('click', () => this.#dialog.close(), { signal });
  }

  /** @param {unknown} error */
  show(error) {
    this.#words.textContent = error instanceof Error ? error.message : String(error);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#again.focus();
  }
}

customElements.define('zg-error-boundary', ErrorBoundary);

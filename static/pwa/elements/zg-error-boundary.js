/** When this page itself breaks: words and a way on, instead of a page that is half there. */
import { h, Part } from './dom.js';

export class ErrorBoundary extends Part {
  #words = h('p');
  #again = h('button', { type: 'button', class: 'button primary', text: 'Reload the page' });
  #on = h('button', { type: 'button', class: 'button', text: 'Go on' });

  /** @override */
  build() {
    this.hidden = true;
    this.append(
      h('div', { class: 'broken card', role: 'alertdialog', 'aria-label': 'Something on this page broke' },
        h('h2', { text: 'Something on this page broke' }),
        h('p', { text: 'Your messages are safe on the server. Reloading mends it almost always.' }),
        this.#words,
        h('div', { class: 'dialog-actions' }, this.#on, this.#again)),
    );
  }

  /** @override @param {AbortSignal} signal */
  attach(signal) {
    this.#again.addEventListener('click', () => location.reload(), { signal });
    this.#on.addEventListener('click', () => (this.hidden = true), { signal });
  }

  /** @param {unknown} error */
  show(error) {
    this.#words.textContent = error instanceof Error ? error.message : String(error);
    this.#words.className = 'broken-words';
    this.hidden = false;
    this.#again.focus();
  }
}

customElements.define('zg-error-boundary', ErrorBoundary);

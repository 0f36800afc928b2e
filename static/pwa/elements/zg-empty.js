/** A new chat: what model answers here, and three prompts that work with it. Sends `chat-prompt` {text}. */
import { act, h, Part, setText } from './dom.js';
import { mark } from './icons.js';

export class Empty extends Part {
  #title = h('h2', { class: 'empty-title' });
  #about = h('p', { class: 'empty-about' });
  #prompts = h('ul', { class: 'prompts' });
  /** @type {import('../core/protocol.js').AppInfo|null} */
  #app = null;

  /** @override */
  build() {
    this.append(h('div', { class: 'empty' }, mark(), this.#title, this.#about, this.#prompts));
  }

  /** @param {import('../core/protocol.js').AppInfo|null} app */
  set app(app) {
    if (!app || app === this.#app) return;
    this.#app = app;
    setText(this.#title, 'What is on your mind?');
    this.#about.replaceChildren(h('strong', { text: app.model.name }), h('span', { text: app.model.about }));
    this.#prompts.replaceChildren(...app.prompts.map((prompt) => this.#prompt(prompt)));
  }

  /** @param {{title: string, text: string}} prompt */
  #prompt({ title, text }) {
    const button = h('button', { type: 'button', class: 'prompt' }, h('strong', { text: title }), h('span', { text }));
    button.addEventListener('click', () => act(this, 'prompt', { text }));
    return h('li', {}, button);
  }
}

customElements.define('zg-empty', Empty);

/** API keys: what there is, one more, and the end of one. A key itself is shown this once. */
import { ago, day } from '../../core/times.js';
import { h } from '../dom.js';
import { Form } from '../fields.js';
import { confirm } from '../menu.js';
import { once } from './once.js';
import { button, entry, Section } from './section.js';

/** @typedef {{id: string, name: string, start: string, scopes: string[], created_at: string, expires_at: string|null, last_used_at: string|null}} Key */

const NEVER = 'never';
/** @type {[string, string][]} */
const SCOPES = [['read', 'Read chats'], ['chat', 'Read, write and delete chats']];
/** @type {[string, string][]} */
const LIVES = [['30', 'After 30 days'], ['90', 'After 90 days'], ['365', 'After a year'], [NEVER, 'Never']];

export class Keys extends Section {
  #list = h('div');
  #place = h('div', { class: 'apart' });

  /** @override */
  build() {
    this.head('API keys', 'For programs that use Z-GPT in your name. No key can reach your account or make other keys.');
    this.body.append(this.#list, this.#place);
    this.#showForm();
    this.load('keys', this.#list);
  }

  /** @override @param {string} verb @param {any} answer */
  done(verb, answer) {
    if (verb === 'keys') return this.#show(answer.items);
    if (verb === 'keys.make') this.#showKey(answer);
    else this.say('The key has ended.');
    this.focusHead();
    this.load('keys', this.#list);
  }

  /** @param {Key[]} items */
  #show(items) {
    const none = h('p', { class: 'entry-line', text: 'There are none.' });
    this.#list.replaceChildren(items.length > 0 ? h('ul', { class: 'entries' }, ...items.map((item) => this.#entry(item))) : none);
  }

  /** @param {Key} item */
  #entry({ id, name, start, scopes, created_at, expires_at, last_used_at }) {
    const may = SCOPES.filter(([scope]) => scopes.includes(scope)).map(([, label]) => label);
    const used = last_used_at ? `Last used ${ago(last_used_at, Date.now())}` : 'Not used yet';
    const life = expires_at ? `ends on ${day(expires_at)}` : 'does not end by itself';
    const end = button('Revoke', () => this.#end(id, name), { tone: 'danger', name: `Revoke ${name}` });
    return entry(name, [`${start}…  ${may.join(', ')}`, `Made on ${day(created_at)}, ${life}`, used], end);
  }

  #showForm() {
    const form = new Form(
      'account-key',
      {
        fields: [
          { name: 'name', label: 'Name', kind: 'text', hint: 'What it is for, so that you know it again.' },
          { name: 'scope', label: 'It may', kind: 'choice', options: SCOPES },
          { name: 'life', label: 'It ends', kind: 'choice', options: LIVES },
          { name: 'password', label: 'Password', kind: 'password' },
        ],
        go: 'Make a key',
        busy: 'Making the key…',
      },
      ({ name, scope, life, password }) => this.ask('keys.make', { name, scopes: [scope], expires_in_days: life === NEVER ? null : Number(life), password }, form),
    );
    form.owner(this.about.email);
    this.#place.replaceChildren(h('h4', { text: 'A new key' }), form.element);
  }

  /** @param {Key & {key: string}} made */
  #showKey({ name, key }) {
    this.say(`The key “${name}” is made.`);
    const onDone = () => {
      this.say('');
      this.#showForm();
      this.focusHead();
    };
    this.#place.replaceChildren(once({ text: 'Keep it where your program reads it. It is not shown again.', lines: [key], label: 'The key', file: 'z-gpt-key.txt', onDone }));
  }

  /** @param {string} id @param {string} name */
  async #end(id, name) {
    const sure = await confirm({ title: 'Revoke this key?', text: `Programs that use “${name}” are shut out at once.`, yes: 'Revoke' });
    if (sure) this.ask('keys.end', { id });
  }
}

customElements.define('zg-account-keys', Keys);

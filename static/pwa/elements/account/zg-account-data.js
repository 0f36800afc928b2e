/** Everything of the person: as a file, or gone. */
import { h } from '../dom.js';
import { Form } from '../fields.js';
import { saveFile } from '../save.js';
import { button, Section } from './section.js';

export class Data extends Section {
  #json = button('Save as JSON', () => this.#export('json'));
  #markdown = button('Save as Markdown', () => this.#export('markdown'));
  #form = new Form(
    'account-delete',
    { fields: [{ name: 'password', label: 'Password', kind: 'password' }], go: 'Delete my account', busy: 'Deleting…', tone: 'danger' },
    (values) => this.ask('delete', values, this.#form),
  );

  /** @override */
  build() {
    this.head('Your data', 'All your chats, your devices and keys, and what was noted about your account, as one file: JSON for programs, Markdown for reading.');
    this.#form.owner(this.about.email);
    this.body.append(
      h('div', { class: 'row' }, this.#json, this.#markdown),
      h('h4', { text: 'Delete the account' }),
      h('p', { class: 'section-text', text: 'Your account, all chats, all devices and all API keys are removed at once and for good. Save your data before, if you want to keep it.' }),
      this.#form.element,
    );
  }

  /** @override @param {string} verb @param {any} answer */
  done(verb, answer) {
    this.#hold(false);
    if (verb !== 'export') return;
    saveFile(answer.name, answer.blob);
    this.say(`Saved as ${answer.name}.`);
  }

  /** @override @param {import('../../net/faults.js').Fault} fault @param {string} [verb] */
  failed(fault, verb) {
    this.#hold(false);
    super.failed(fault, verb);
    this.say('');
  }

  /** @param {'json'|'markdown'} format */
  #export(format) {
    this.#hold(true);
    this.say('Your data is being put together…');
    this.ask('export', { format });
  }

  /** @param {boolean} held */
  #hold(held) {
    for (const each of [this.#json, this.#markdown]) each.toggleAttribute('disabled', held);
  }
}

customElements.define('zg-account-data', Data);

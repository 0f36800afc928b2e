/** Another e-mail. It counts once the link in a letter to it was opened. */
import { Form } from '../fields.js';
import { Section } from './section.js';

export class Email extends Section {
  #wanted = '';
  #form = new Form(
    'account-email',
    {
      fields: [
        { name: 'email', label: 'New email', kind: 'new-email' },
        { name: 'password', label: 'Password', kind: 'password' },
      ],
      go: 'Send the link',
      busy: 'Sending…',
    },
    (values) => this.#ask(values),
  );

  /** @override */
  build() {
    const { email, mail } = this.about;
    this.head('Email', mail ? `You sign in with ${email}. Another address gets a link first; nothing changes before it is opened.` : `You sign in with ${email}. This server sends no mail, so only its operator can change that.`);
    this.#form.owner(email);
    if (mail) this.body.append(this.#form.element);
  }

  /** @override */
  done() {
    this.#form.done();
    this.say(`Look into the mail of ${this.#wanted}: its link works once, for an hour.`);
    this.focusHead();
  }

  /** @param {Record<string, string>} values */
  #ask(values) {
    this.#wanted = values['email'] ?? '';
    this.ask('email', values, this.#form);
  }
}

customElements.define('zg-account-email', Email);

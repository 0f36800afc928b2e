/** Another password. */
import { Form } from '../fields.js';
import { Section } from './section.js';

export class Password extends Section {
  #form = new Form(
    'account-password',
    {
      fields: [
        { name: 'current_password', label: 'Current password', kind: 'password' },
        { name: 'new_password', label: 'New password', kind: 'new-password' },
      ],
      go: 'Change the password',
      busy: 'Changing…',
    },
    (values) => this.ask('password', values, this.#form),
  );

  /** @override */
  build() {
    this.head('Password', 'You stay signed in here. All other devices are signed out; API keys go on working.');
    this.#form.owner(this.about.email);
    this.body.append(this.#form.element);
  }

  /** @override */
  done() {
    this.#form.done();
    this.say('Your password is changed. All other devices are signed out.');
    this.focusHead();
  }
}

customElements.define('zg-account-password', Password);

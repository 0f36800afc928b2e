/**
 * The cards around signing in: the code of the second factor, a forgotten password, and what a mailed link asks. Sends
 * `chat-step` {face, values} for what is to be done and `chat-door` {face} for another card; told of faults.
 *
 * @typedef {import('../core/state.js').Door} DoorState
 */
import { act, h, Part } from './dom.js';
import { Form } from './fields.js';
import { mark } from './icons.js';

/**
 * @typedef {{title: string, text: (door: DoorState) => string, form?: import('./fields.js').FormPlan,
 *            others: {label: string, face: DoorState['face']|null}[]}} Card
 */

const BACK = Object.freeze({ label: 'Back to sign in', face: null });
/** @type {Record<DoorState['face'], Card>} */
const CARDS = Object.freeze({
  second: {
    title: 'One more step',
    text: () => 'Open your authenticator app and type the six digits that it shows for Z-GPT.',
    form: { fields: [{ name: 'code', label: 'Code', kind: 'code' }], go: 'Sign in', busy: 'Signing in…' },
    others: [{ label: 'Use a recovery code', face: 'recovery' }, BACK],
  },
  recovery: {
    title: 'One more step',
    text: () => 'Type one of the recovery codes that you kept when you turned the second factor on. Each works once.',
    form: { fields: [{ name: 'code', label: 'Recovery code', kind: 'recovery' }], go: 'Sign in', busy: 'Signing in…' },
    others: [{ label: 'Use the authenticator app', face: 'second' }, BACK],
  },
  forgot: {
    title: 'Forgotten password',
    text: () => 'Type the e-mail of your account. It gets a link with which you choose a new password.',
    form: { fields: [{ name: 'email', label: 'Email', kind: 'email' }], go: 'Send the link', busy: 'Sending…' },
    others: [BACK],
  },
  forgotten: {
    title: 'Look into your mail',
    text: ({ email }) => `If there is an account with ${email}, a link is on its way to it. It works once, for an hour. If nothing comes, look among the unwanted mail.`,
    others: [BACK],
  },
  sent: {
    title: 'Look into your mail',
    text: ({ email }) => `A letter is on its way to ${email}. Its link makes your account; it works once, for an hour. If nothing comes, look among the unwanted mail.`,
    others: [BACK],
  },
  signup: {
    title: 'Confirm your e-mail',
    text: () => 'This makes your account and signs you in on this device.',
    form: { fields: [], go: 'Make my account', busy: 'Making the account…' },
    others: [{ label: 'Not now', face: null }],
  },
  reset: {
    title: 'Choose a new password',
    text: () => 'All devices are signed out and all API keys end. Then you sign in with the new password.',
    form: { fields: [{ name: 'new_password', label: 'New password', kind: 'new-password' }], go: 'Set the password', busy: 'Setting the password…' },
    others: [{ label: 'Not now', face: null }],
  },
  email: {
    title: 'Use this e-mail?',
    text: () => 'From then on you sign in with it. The address from before is told and cannot sign in any more.',
    form: { fields: [], go: 'Use this e-mail', busy: 'Changing the e-mail…' },
    others: [{ label: 'Not now', face: null }],
  },
});

export class DoorCard extends Part {
  /** @type {DoorState|null} */
  #door = null;
  /** @type {Form|null} */
  #form = null;

  /** @param {DoorState|null} door */
  set door(door) {
    if (door === this.#door) return;
    this.#door = door;
    this.#form = null;
    this.replaceChildren();
    if (door) this.#show(door, CARDS[door.face]);
  }

  /** @override */
  attach() {
    this.#focus();
  }

  /** @param {import('../net/faults.js').Fault} fault */
  failed(fault) {
    this.#form?.failed(fault);
  }

  /** @param {DoorState} door @param {Card} card */
  #show(door, { title, text, form, others }) {
    const head = h('div', { class: 'card-head' }, mark(), h('h1', { text: title, tabindex: '-1' }), h('p', { class: 'card-notice', text: text(door) }));
    const box = h('div', { class: 'card' }, head);
    if (form) this.#form = new Form('door', form, (values) => act(this, 'step', { face: door.face, values }));
    if (this.#form) box.append(this.#form.element);
    for (const { label, face } of others) box.append(otherButton(this, label, face));
    this.append(h('main', { class: 'sign-in' }, box));
    this.#focus();
  }

  #focus() {
    if (!this.isConnected) return;
    if (this.#form && matchMedia('(hover: hover)').matches) this.#form.focus();
    else this.querySelector('h1')?.focus();
  }
}

/**
 * @param {DoorCard} card
 * @param {string} label
 * @param {DoorState['face']|null} face
 */
function otherButton(card, label, face) {
  const button = h('button', { type: 'button', class: 'text-button', text: label });
  button.addEventListener('click', () => act(card, 'door', { face }));
  return button;
}

customElements.define('zg-door', DoorCard);

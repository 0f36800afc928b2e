/** The second factor: on in two steps, recovery codes shown this once, off again. */
import { copyFrom } from '../clipboard.js';
import { h } from '../dom.js';
import { Form } from '../fields.js';
import { squares } from '../squares.js';
import { once } from './once.js';
import { button, Section } from './section.js';

const PASSWORD = Object.freeze(/** @type {const} */ ({ name: 'password', label: 'Password', kind: 'password' }));
const CODE = Object.freeze(/** @type {const} */ ({ name: 'code', label: 'Code of the app', kind: 'code' }));
const CODE_OR_RECOVERY = Object.freeze(/** @type {const} */ ({ name: 'code', label: 'Code of the app, or a recovery code', kind: 'code-or-recovery' }));
const GROUP = /.{1,4}/g;

export class Factor extends Section {
  /** @override */
  build() {
    this.head('Second factor', 'A code of an app on your phone, besides your password. Who learns your password cannot sign in with it alone.');
    this.load('factor');
  }

  /** @override @param {string} verb @param {any} answer */
  done(verb, answer) {
    if (verb === 'factor') return answer.enabled ? this.#showOn(answer.recovery_codes_left) : this.#showOff();
    if (verb === 'factor.begin') return this.#showSecret(answer);
    if (verb !== 'factor.off') return this.#showCodes(answer.recovery_codes);
    this.say('The second factor is off. Your password alone signs you in.');
    this.#again();
  }

  #again() {
    this.focusHead();
    this.load('factor');
  }

  #showOff() {
    this.#showForm('begin', { fields: [PASSWORD], go: 'Set it up', busy: 'Setting it up…' });
  }

  /** @param {{secret: string, uri: string, squares: string[]}} begun */
  #showSecret(begun) {
    const steps = h('ol', { class: 'steps' }, h('li', {}, 'Scan this with an authenticator app.', ways(begun)), h('li', { text: 'Type the six digits that the app shows.' }));
    this.#showForm('confirm', { fields: [CODE], go: 'Turn it on', busy: 'Checking the code…' });
    this.body.prepend(steps);
  }

  /** @param {string[]} codes */
  #showCodes(codes) {
    this.say('The second factor is on.');
    const text = 'Keep these recovery codes where your phone is not. Each signs you in once without the app. They are not shown again, and any from before stop working.';
    const show = once({ text, lines: codes, label: 'Recovery codes', file: 'z-gpt-recovery-codes.txt', onDone: () => this.#again() });
    this.body.replaceChildren(show);
    this.focusHead();
  }

  /** @param {number} left */
  #showOn(left) {
    this.say(`The second factor is on. ${left} recovery ${left === 1 ? 'code is' : 'codes are'} left.`);
    const renew = button('Make other recovery codes', () => this.#showForm('codes', { fields: [PASSWORD, CODE_OR_RECOVERY], go: 'Make other codes', busy: 'Making them…' }, true));
    const off = button('Turn it off', () => this.#showForm('off', { fields: [PASSWORD, CODE_OR_RECOVERY], go: 'Turn it off', busy: 'Turning it off…', tone: 'danger' }, true), { tone: 'danger' });
    this.body.replaceChildren(h('div', { class: 'row' }, renew, off));
  }

  /** @param {string} verb @param {import('../fields.js').FormPlan} plan @param {boolean} [chosen] whether the person asked for it just now */
  #showForm(verb, plan, chosen = verb === 'confirm') {
    const form = new Form('account-factor', plan, (values) => this.ask(`factor.${verb}`, values, form));
    this.body.replaceChildren(form.element);
    if (verb !== 'confirm') form.owner(this.about.email);
    if (verb !== 'begin') form.beside(button('Cancel', () => this.#again()));
    if (chosen) form.focus();
  }
}

/** With a camera, by hand, or with an app on this very device. @param {{secret: string, uri: string, squares: string[]}} begun */
function ways({ secret, uri, squares: rows }) {
  const copy = button('Copy', () => copyFrom(copy, secret), { name: 'Copy the key' });
  const key = h('code', { class: 'secret', text: (secret.match(GROUP) ?? []).join(' ') });
  const byHand = h('div', { class: 'by-hand' }, h('p', { text: 'No camera? Add this key, as a code by time:' }), h('div', { class: 'row' }, key, copy), ...linkTo(uri));
  return h('div', { class: 'ways' }, squares(rows, 'QR code for an authenticator app. It holds the key that stands beside it as text.'), byHand);
}

/** Nothing but what an authenticator app opens becomes a link. @param {string} uri */
function linkTo(uri) {
  return uri.startsWith('otpauth://') ? [h('a', { href: uri, text: 'Open it in an app on this device' })] : [];
}

customElements.define('zg-account-factor', Factor);

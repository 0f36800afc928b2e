/** The card for signing in and for making an account. Sends `chat-sign-in` {mode, email, password} and `chat-door`; told of faults. */
import { faultWords } from '../core/times.js';
import { act, h, Part, setText } from './dom.js';
import { field, MIN_PASSWORD, say } from './fields.js';
import { mark } from './icons.js';

const WORDS = Object.freeze({
  in: { title: 'Sign in', go: 'Sign in', other: 'New here? Make an account', busy: 'Signing in…' },
  up: { title: 'Make an account', go: 'Make account', other: 'Have an account? Sign in', busy: 'Making the account…' },
});

export class SignIn extends Part {
  /** @type {'in'|'up'} */
  #mode = 'in';
  #busy = false;
  #title = h('h1');
  #email = field('sign-in-email', 'Email', { type: 'email', name: 'email', autocomplete: 'username', inputmode: 'email', autocapitalize: 'none', spellcheck: 'false', required: true });
  #password = field('sign-in-password', 'Password', { type: 'password', name: 'password', required: true });
  #show = h('button', { type: 'button', class: 'text-button show-password', 'aria-pressed': 'false', text: 'Show' });
  #fault = h('p', { class: 'form-fault', role: 'alert' });
  #go = h('button', { type: 'submit', class: 'button primary' });
  #forgotten = h('button', { type: 'button', class: 'text-button', text: 'Forgotten password?', hidden: true });
  #mail = false;
  #other = h('button', { type: 'button', class: 'text-button' });
  #notice = h('p', { class: 'card-notice', role: 'status' });
  #form = h('form', { class: 'card', novalidate: true });

  /** @override */
  build() {
    this.#password.row.append(this.#show);
    const head = h('div', { class: 'card-head' }, mark(), this.#title, this.#notice);
    this.#form.append(head, this.#email.box, this.#password.box, this.#fault, this.#go, this.#forgotten, this.#other);
    this.append(h('main', { class: 'sign-in' }, this.#form));
    this.#update();
  }

  /** @override @param {AbortSignal} signal */
  attach(signal) {
    this.#form.addEventListener('submit', (event) => this.#submit(event), { signal });
    this.#show.addEventListener('click', () => this.#toggleShow(), { signal });
    this.#other.addEventListener('click', () => this.#toggleMode(), { signal });
    this.#forgotten.addEventListener('click', () => act(this, 'door', { face: 'forgot' }), { signal });
    for (const each of [this.#email, this.#password]) each.input.addEventListener('input', () => say(each, ''), { signal });
    if (matchMedia('(hover: hover)').matches) this.#email.input.focus();
  }

  /** @param {{signup: boolean, mail: boolean, notice: string}} how whether accounts can be made here, whether letters are sent, and why this card is shown */
  set about({ signup, mail, notice }) {
    this.#other.hidden = !signup;
    this.#mail = mail;
    this.#forgotten.hidden = !mail || this.#mode === 'up';
    setText(this.#notice, notice);
  }

  /** Shown again after another card: the password is asked for anew. */
  rest() {
    this.#busy = false;
    this.#password.input.value = '';
    this.#update();
  }

  /**
   * The answer of the server: at the field it belongs to, or at the form.
   * @param {import('../net/faults.js').Fault} fault
   */
  failed(fault) {
    this.#busy = false;
    this.#update();
    const named = { email: this.#email, password: this.#password };
    const placed = fault.fields.filter(({ field: name }) => name in named);
    for (const { field: name, message } of placed) {
      say(named[/** @type {'email'|'password'} */ (name)], /^[a-z]/.test(message) ? `The ${name} ${message}` : message);
    }
    if (placed.length > 0) return;
    if (fault.code === 'unauthorized' || fault.status === 401) say(this.#password, fault.message);
    else if (fault.code === 'email_taken' || fault.status === 409) say(this.#email, fault.message);
    else setText(this.#fault, faultWords(fault));
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    if (this.#busy || !this.#valid()) return;
    this.#busy = true;
    setText(this.#fault, '');
    this.#update();
    act(this, 'sign-in', { mode: this.#mode, email: this.#email.input.value.trim(), password: this.#password.input.value });
  }

  #valid() {
    const email = this.#email.input.value.trim();
    const password = this.#password.input.value;
    const passwordFault = !password ? 'Type your password' : this.#mode === 'up' && password.length < MIN_PASSWORD ? `At least ${MIN_PASSWORD} characters` : '';
    say(this.#password, passwordFault);
    say(this.#email, /^\S+@\S+$/.test(email) ? '' : 'Type an address like name@example.org');
    const wrong = this.#form.querySelector('[aria-invalid=true]');
    if (wrong instanceof HTMLElement) wrong.focus();
    return !wrong;
  }

  #toggleShow() {
    const shown = this.#password.input.type === 'text';
    this.#password.input.type = shown ? 'password' : 'text';
    this.#show.setAttribute('aria-pressed', String(!shown));
    this.#show.textContent = shown ? 'Show' : 'Hide';
  }

  #toggleMode() {
    this.#mode = this.#mode === 'in' ? 'up' : 'in';
    setText(this.#fault, '');
    for (const each of [this.#email, this.#password]) say(each, '');
    this.#update();
    this.#email.input.focus();
  }

  #update() {
    const words = WORDS[this.#mode];
    setText(this.#title, words.title);
    setText(this.#go, this.#busy ? words.busy : words.go);
    setText(this.#other, words.other);
    this.#forgotten.hidden = !this.#mail || this.#mode === 'up';
    this.#go.setAttribute('aria-disabled', String(this.#busy));
    this.#password.input.autocomplete = this.#mode === 'in' ? 'current-password' : 'new-password';
  }
}

customElements.define('zg-sign-in', SignIn);

/** Fields and forms: labels, faults at the field they belong to, one sending at a time. What is sent is the caller's. */
import { faultWords } from '../core/times.js';
import { h, setText } from './dom.js';

/**
 * @typedef {'email'|'new-email'|'password'|'new-password'|'code'|'recovery'|'code-or-recovery'|'text'|'choice'} Kind
 * @typedef {{name: string, label: string, kind: Kind, hint?: string, options?: [value: string, label: string][]}} FieldPlan
 * @typedef {{fields: FieldPlan[], go: string, busy: string, tone?: 'primary'|'danger'}} FormPlan
 * @typedef {{input: HTMLInputElement, row: HTMLElement, fault: HTMLElement, box: HTMLElement}} Field
 */

export const MIN_PASSWORD = 8;
const PLAIN = { autocapitalize: 'none', spellcheck: 'false' };
/** @type {Record<Kind, Record<string, string>>} */
const KINDS = Object.freeze({
  email: { type: 'email', autocomplete: 'username', inputmode: 'email', ...PLAIN },
  'new-email': { type: 'email', autocomplete: 'email', inputmode: 'email', ...PLAIN },
  password: { type: 'password', autocomplete: 'current-password' },
  'new-password': { type: 'password', autocomplete: 'new-password' },
  code: { type: 'text', autocomplete: 'one-time-code', inputmode: 'numeric', maxlength: '64', ...PLAIN },
  recovery: { type: 'text', autocomplete: 'off', maxlength: '64', ...PLAIN },
  'code-or-recovery': { type: 'text', autocomplete: 'one-time-code', maxlength: '64', ...PLAIN },
  text: { type: 'text', autocomplete: 'off', maxlength: '100' },
  choice: {},
});
/** Codes of the server that belong to one field, by the names that it may have. @type {Record<string, string[]>} */
const PLACES = Object.freeze({
  wrong_password: ['password', 'current_password'],
  weak_password: ['new_password'],
  wrong_code: ['code'],
  email_taken: ['email'],
});

/**
 * @param {string} id unique on the page
 * @param {string} label
 * @param {Record<string, string|boolean>} attributes
 * @param {[string, string][]} [options] makes it a choice of these
 * @returns {Field}
 */
export function field(id, label, attributes, options) {
  const input = /** @type {HTMLInputElement} */ (h(options ? 'select' : 'input', { id, class: 'input', 'aria-describedby': `${id}-fault`, ...attributes }));
  for (const [value, text] of options ?? []) input.append(h('option', { value, text }));
  const row = h('div', { class: 'input-row' }, input);
  const fault = h('p', { id: `${id}-fault`, class: 'field-fault', role: 'alert' });
  const box = h('div', { class: 'field' }, h('label', { for: id, text: label }), row, fault);
  return { input, row, fault, box };
}

/** @param {Field} at @param {string} text empty takes the fault away */
export function say({ input, fault }, text) {
  setText(fault, text);
  if (text) input.setAttribute('aria-invalid', 'true');
  else input.removeAttribute('aria-invalid');
}

export class Form {
  /** @type {Map<string, {plan: FieldPlan, field: Field}>} */
  #fields = new Map();
  #plan;
  #send;
  #busy = false;
  #fault = h('p', { class: 'form-fault', role: 'alert' });
  #go;
  element = h('form', { class: 'form', novalidate: true });

  /**
   * @param {string} id begins the ids of its fields
   * @param {FormPlan} plan
   * @param {(values: Record<string, string>) => void} send called with what is plausible; then tell `failed` or `done`
   */
  constructor(id, plan, send) {
    this.#plan = plan;
    this.#send = send;
    this.#go = h('button', { type: 'submit', class: `button ${plan.tone ?? 'primary'}`, text: plan.go });
    for (const each of plan.fields) this.#add(id, each);
    this.element.append(this.#fault, h('div', { class: 'row' }, this.#go));
    this.element.addEventListener('submit', (event) => this.#submit(event));
  }

  /**
   * Whose password is asked for: seen by password managers only, which otherwise do not know which one is meant.
   * @param {string} email
   */
  owner(email) {
    this.element.prepend(h('input', { type: 'email', name: 'username', value: email, autocomplete: 'username', class: 'visually-hidden', readonly: true, tabindex: '-1', 'aria-hidden': 'true', 'aria-label': 'Email' }));
  }

  /** What can be done instead of sending. @param {HTMLElement} button */
  beside(button) {
    this.#go.after(button);
  }

  /** The server did not take it. @param {import('../net/faults.js').Fault} fault */
  failed(fault) {
    this.#rest();
    const placed = fault.fields.filter(({ field: name }) => this.#fields.has(name));
    for (const { field: name, message } of placed) this.#sayAt(name, message);
    const name = placed.length > 0 ? undefined : PLACES[fault.code]?.find((each) => this.#fields.has(each));
    if (name) this.#sayAt(name, faultWords(fault));
    else if (placed.length === 0) setText(this.#fault, faultWords(fault));
    this.#focusWrong();
  }

  /** It was taken: nothing that was typed stays. */
  done() {
    this.#rest();
    for (const { plan, field: { input } } of this.#fields.values()) if (plan.kind !== 'choice') input.value = '';
  }

  focus() {
    const [first] = this.#fields.values();
    (first?.field.input ?? this.#go).focus();
  }

  /** @param {string} id @param {FieldPlan} plan */
  #add(id, plan) {
    const made = field(`${id}-${plan.name}`, plan.label, { name: plan.name, ...KINDS[plan.kind] }, plan.options);
    if (plan.hint) {
      made.input.setAttribute('aria-describedby', `${id}-${plan.name}-hint ${id}-${plan.name}-fault`);
      made.box.append(h('p', { id: `${id}-${plan.name}-hint`, class: 'field-hint', text: plan.hint }));
    }
    if (made.input.type === 'password') made.row.append(showButton(made.input, plan.label));
    made.input.addEventListener('input', () => say(made, ''));
    this.#fields.set(plan.name, { plan, field: made });
    this.element.append(made.box);
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    if (this.#busy || !this.#valid()) return;
    this.#busy = true;
    setText(this.#fault, '');
    setText(this.#go, this.#plan.busy);
    this.#go.setAttribute('aria-disabled', 'true');
    this.#send(this.#values());
  }

  #values() {
    /** @type {Record<string, string>} */
    const values = {};
    for (const [name, { plan, field: { input } }] of this.#fields) values[name] = plan.kind.endsWith('password') ? input.value : input.value.trim();
    return values;
  }

  #valid() {
    const values = this.#values();
    for (const [name, { plan, field: made }] of this.#fields) say(made, wrongWith(plan, values[name] ?? ''));
    return !this.#focusWrong();
  }

  #focusWrong() {
    const wrong = this.element.querySelector('[aria-invalid=true]');
    if (wrong instanceof HTMLElement) wrong.focus();
    return wrong !== null;
  }

  /** @param {string} name @param {string} message `must have …`, as the server says it of a field, or a sentence */
  #sayAt(name, message) {
    const found = this.#fields.get(name);
    if (found) say(found.field, /^[a-z]/.test(message) ? `The ${found.plan.label.toLowerCase()} ${message}` : message);
  }

  #rest() {
    this.#busy = false;
    setText(this.#go, this.#plan.go);
    this.#go.removeAttribute('aria-disabled');
  }
}

/** @param {FieldPlan} plan @param {string} value */
function wrongWith({ kind, label }, value) {
  if (!value) return `Type the ${label.toLowerCase()}`;
  if (kind.endsWith('email') && !/^\S+@\S+$/.test(value)) return 'Type an address like name@example.org';
  return kind === 'new-password' && value.length < MIN_PASSWORD ? `At least ${MIN_PASSWORD} characters` : '';
}

/** @param {HTMLInputElement} input @param {string} label */
function showButton(input, label) {
  const button = h('button', { type: 'button', class: 'text-button show-password' });
  const show = (/** @type {boolean} */ shown) => {
    input.type = shown ? 'text' : 'password';
    setText(button, shown ? 'Hide' : 'Show');
    button.setAttribute('aria-label', `${button.textContent} the ${label.toLowerCase()}`);
  };
  button.addEventListener('click', () => show(input.type === 'password'));
  show(false);
  return button;
}

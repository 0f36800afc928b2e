/** A form: one sending at a time, what is wrong at its field, nothing typed left behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type } from '../support/page.js';

const { Form } = await import('../../../static/pwa/elements/fields.js');
const { Fault } = await import('../../../static/pwa/net/faults.js');

const PLAN = {
  fields: [{ name: 'password', label: 'Password', kind: 'password' }, { name: 'new_password', label: 'New password', kind: 'new-password' }, { name: 'code', label: 'Code', kind: 'code' }],
  go: 'Change',
  busy: 'Changing…',
};

function made() {
  const sent = [];
  const form = new Form('f', PLAN, (values) => sent.push(values));
  document.body.replaceChildren(form.element);
  const at = (/** @type {string} */ name) => document.getElementById(`f-${name}`);
  const submit = () => form.element.dispatchEvent(new Event('submit', { cancelable: true, bubbles: true }));
  const fill = () => (type(at('password'), ' kept '), type(at('new_password'), 'long enough'), type(at('code'), ' 123456 '), submit());
  const faults = () => ['password', 'new_password', 'code'].map((name) => document.getElementById(`f-${name}-fault`).textContent);
  return { form, sent, at, submit, fill, faults, go: form.element.querySelector('[type=submit]') };
}

test('what is missing or too short is said at its field, and nothing is sent', () => {
  const { at, submit, sent, faults } = made();
  type(at('new_password'), 'short');
  submit();
  assert.deepEqual([faults(), sent], [['Type the password', 'At least 8 characters', 'Type the code'], []]);
  assert.equal(document.activeElement, at('password'));
});

test('passwords are sent as they are typed, everything else trimmed; a second press sends nothing', () => {
  const { fill, submit, sent, go } = made();
  fill();
  submit();
  assert.deepEqual(sent, [{ password: ' kept ', new_password: 'long enough', code: '123456' }]);
  assert.deepEqual([go.textContent, go.getAttribute('aria-disabled')], ['Changing…', 'true']);
});

test('a fault stands at the field it belongs to, and the form can be sent again', () => {
  const { form, fill, faults, go, at } = made();
  for (const [fault, expected] of [
    [new Fault('wrong_password', 'Not right.', { status: 403 }), ['Not right.', '', '']],
    [new Fault('wrong_code', 'The code is not right.', { status: 403 }), ['', '', 'The code is not right.']],
    [new Fault('weak_password', 'No.', { status: 422, fields: [{ field: 'new_password', message: 'is too common' }] }), ['', 'The new password is too common', '']],
  ]) {
    fill();
    form.failed(fault);
    assert.deepEqual([faults(), go.textContent], [expected, 'Change']);
  }
  assert.equal(document.activeElement, at('new_password'));
});

test('a fault of no field stands at the form, with the time when to come back', () => {
  const { form, fill, faults } = made();
  fill();
  form.failed(new Fault('rate_limited', 'That was too often. Wait a moment and try again.', { status: 429, retryAfterMs: 240_000 }));
  assert.deepEqual(faults(), ['', '', '']);
  assert.equal(document.querySelector('.form-fault').textContent, 'That was too often. Try again in 4 minutes.');
});

test('nothing that was typed stays once it was taken', () => {
  const { form, fill, at } = made();
  fill();
  form.done();
  assert.deepEqual(['password', 'new_password', 'code'].map((name) => at(name).value), ['', '', '']);
});

test('each field has its label, and password managers are told which password is meant', () => {
  const { form, at } = made();
  assert.deepEqual([...form.element.querySelectorAll('label')].map((label) => [label.htmlFor, label.textContent]), [['f-password', 'Password'], ['f-new_password', 'New password'], ['f-code', 'Code']]);
  assert.deepEqual(['password', 'new_password', 'code'].map((name) => at(name).autocomplete), ['current-password', 'new-password', 'one-time-code']);
});

test('a password can be looked at, and the button says what it does next', () => {
  const { form, at } = made();
  const show = form.element.querySelector('.show-password');
  const seen = () => [at('password').type, show.textContent, show.getAttribute('aria-label')];
  assert.deepEqual(seen(), ['password', 'Show', 'Show the password']);
  show.click();
  assert.deepEqual(seen(), ['text', 'Hide', 'Hide the password']);
});

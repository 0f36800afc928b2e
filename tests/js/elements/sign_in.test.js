/** The card for signing in: every fault stands at the field it belongs to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actions, put, type } from '../support/page.js';

await import('../../../static/pwa/elements/zg-sign-in.js');
const { Fault } = await import('../../../static/pwa/net/faults.js');

function card() {
  const element = put('zg-sign-in');
  const at = (/** @type {string} */ name) => element.querySelector(`#sign-in-${name}`);
  const submit = () => element.querySelector('form').dispatchEvent(new Event('submit', { cancelable: true, bubbles: true }));
  const fill = (email, password) => (type(at('email'), email), type(at('password'), password), submit());
  const other = [...element.querySelectorAll('.text-button')].at(-1);
  const faults = () => [at('email-fault').textContent, at('password-fault').textContent, element.querySelector('.form-fault').textContent];
  return { element, at, fill, faults, other, go: element.querySelector('[type=submit]') };
}

test('what can be seen to be wrong is said at its field, and nothing is sent', () => {
  const { fill, faults, at } = card();
  const sent = actions('sign-in');
  fill('ada', '');
  assert.deepEqual([faults(), sent], [['Type an address like name@example.org', 'Type your password', ''], []]);
  assert.equal(document.activeElement, at('email'));
});

test('a field says its fault to screen readers until it is typed in', () => {
  const { fill, at } = card();
  fill('ada', 'long enough');
  assert.deepEqual([at('email').getAttribute('aria-invalid'), at('email').getAttribute('aria-describedby')], ['true', 'sign-in-email-fault']);
  type(at('email'), 'ada@');
  assert.deepEqual([at('email').hasAttribute('aria-invalid'), at('email-fault').textContent], [false, '']);
});

test('a wrong password is a fault of the password', () => {
  const { element, fill, faults } = card();
  fill('ada@example.org', 'wrong');
  element.failed(new Fault('unauthorized', 'The e-mail or the password is not right.', { status: 401 }));
  assert.deepEqual(faults(), ['', 'The e-mail or the password is not right.', '']);
});

test('an address that is taken is a fault of the address', () => {
  const { element, other, fill, faults } = card();
  other.click();
  fill('ada@example.org', 'long enough');
  element.failed(new Fault('email_taken', 'There is an account with this address.', { status: 409 }));
  assert.deepEqual(faults(), ['There is an account with this address.', '', '']);
});

test('faults that the server places stand at their fields', () => {
  const { element, fill, faults } = card();
  fill('ada@example.org', 'password');
  element.failed(new Fault('invalid', 'No.', { status: 422, fields: [{ field: 'password', message: 'is too common' }] }));
  assert.deepEqual(faults(), ['', 'The password is too common', '']);
});

test('a server that cannot be reached is nobody’s field', () => {
  const { element, fill, faults, go } = card();
  fill('ada@example.org', 'long enough');
  assert.equal(go.textContent, 'Signing in…');
  element.failed(new Fault('network', 'The server cannot be reached.'));
  assert.deepEqual([faults(), go.textContent], [['', '', 'The server cannot be reached.'], 'Sign in']);
});

test('password managers are told which password is meant', () => {
  const { at, other } = card();
  assert.deepEqual([at('email').autocomplete, at('password').autocomplete], ['username', 'current-password']);
  other.click();
  assert.equal(at('password').autocomplete, 'new-password');
});

test('who was signed out is told why', () => {
  const { element } = card();
  element.about = { signup: false, mail: false, notice: 'Your sign-in has ended.' };
  assert.deepEqual([element.querySelector('.card-notice').textContent, [...element.querySelectorAll('.card > .text-button')].map(({ hidden }) => hidden)], ['Your sign-in has ended.', [true, true]]);
});

test('a new password can be asked for only where letters are sent, and by who has an account', () => {
  const { element, other } = card();
  const turns = actions('door');
  const forgotten = element.querySelector('.card > .text-button');
  assert.equal(forgotten.hidden, true);
  element.about = { signup: true, mail: true, notice: '' };
  assert.deepEqual([forgotten.hidden, forgotten.textContent], [false, 'Forgotten password?']);
  forgotten.click();
  other.click();
  assert.deepEqual([turns, forgotten.hidden], [[{ face: 'forgot' }], true]);
});

test('back from another card the password is asked for again', () => {
  const { element, at, fill, go } = card();
  fill('ada@example.org', 'long enough');
  element.rest();
  assert.deepEqual([at('email').value, at('password').value, go.textContent], ['ada@example.org', '', 'Sign in']);
});

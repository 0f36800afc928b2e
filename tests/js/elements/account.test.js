/** The sections of the account dialog: what they ask for and what they make of the answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actions, put, type } from '../support/page.js';

for (const name of ['devices', 'email', 'factor', 'keys', 'usage']) await import(`../../../static/pwa/elements/account/zg-account-${name}.js`);
const { Fault } = await import('../../../static/pwa/net/faults.js');

const NAME = '<img src=x onerror=alert(1)>';
const device = (id, fields = {}) => ({ id, device: NAME, created_at: '2026-11-22T09:00:00Z', last_used_at: '2026-11-22T09:00:00Z', network: null, current: false, ...fields });
const named = (element, name) => [...element.querySelectorAll('button')].find((each) => (each.getAttribute('aria-label') ?? each.textContent) === name);

test('this device is named and cannot be signed out by mistake; others can, one by one or all', () => {
  const asked = actions('account');
  const element = put('zg-account-devices');
  element.done('devices', { items: [device('a', { current: true }), device('b'), device('c')] });
  assert.equal(element.querySelectorAll('img').length, 0);
  assert.deepEqual([...element.querySelectorAll('.entry')].map((each) => [each.textContent.includes('This device'), each.querySelectorAll('button').length]), [[true, 0], [false, 1], [false, 1]]);
  named(element, `Sign out ${NAME}`).click();
  named(element, 'Sign out all other devices').click();
  assert.deepEqual(asked, [{ verb: 'devices', form: {} }, { verb: 'devices.end', form: { ids: ['b'] } }]);
  element.failed(new Fault('network', 'The server cannot be reached.'));
  named(element, 'Sign out all other devices').click();
  assert.deepEqual(asked.at(-1), { verb: 'devices.end', form: { ids: ['b', 'c'] } });
});

test('the second factor goes on in two steps, and its codes are shown this once', () => {
  const element = put('zg-account-factor');
  element.done('factor', { enabled: false, recovery_codes_left: 0 });
  assert.equal(element.querySelector('[type=submit]').textContent, 'Set it up');
  element.done('factor.begin', { secret: 'ABCDEFGHIJ', uri: 'otpauth://totp/x', squares: ['10', '01'] });
  assert.deepEqual([element.querySelector('.secret').textContent, element.querySelector('a').getAttribute('href'), element.querySelector('canvas').getAttribute('role')], ['ABCD EFGH IJ', 'otpauth://totp/x', 'img']);
  element.done('factor.confirm', { recovery_codes: ['aaaa-bbbb', 'cccc-dddd'] });
  assert.deepEqual([...element.querySelectorAll('.once-lines code')].map(({ textContent }) => textContent), ['aaaa-bbbb', 'cccc-dddd']);
  named(element, 'I have kept it').click();
  element.done('factor', { enabled: true, recovery_codes_left: 1 });
  assert.ok(!element.textContent.includes('aaaa'));
  assert.match(element.querySelector('.said').textContent, /1 recovery code is left/);
});

test('only what an authenticator app opens becomes a link', () => {
  const element = put('zg-account-factor');
  element.done('factor.begin', { secret: 'ABCD', uri: 'javascript:alert(1)', squares: [] });
  assert.equal(element.querySelector('a'), null);
});

test('a key is asked for with one scope and a life, and shown this once', () => {
  const asked = actions('account');
  const element = put('zg-account-keys');
  element.done('keys', { items: [] });
  type(element.querySelector('#account-key-name'), 'laptop');
  element.querySelector('#account-key-life').value = 'never';
  type(element.querySelector('#account-key-password'), 'secret');
  element.querySelector('form').dispatchEvent(new Event('submit', { cancelable: true, bubbles: true }));
  assert.deepEqual(asked.at(-1), { verb: 'keys.make', form: { name: 'laptop', scopes: ['read'], expires_in_days: null, password: 'secret' } });
  element.done('keys.make', { id: 'k', name: 'laptop', key: 'zgpt_whole' });
  assert.equal(element.querySelector('.once code').textContent, 'zgpt_whole');
  named(element, 'I have kept it').click();
  assert.ok(!element.textContent.includes('zgpt_whole'));
});

test('without mail the e-mail cannot be changed here, and that is said', () => {
  const element = document.createElement('zg-account-email');
  element.about = { email: 'ada@example.org', mail: false };
  document.body.replaceChildren(element);
  assert.match(element.textContent, /ada@example\.org.*sends no mail/);
  assert.equal(element.querySelector('form'), null);
});

test('a fault of a list is said in words', () => {
  const element = put('zg-account-usage');
  element.failed(new Fault('unavailable', 'A part of the server does not answer.'));
  assert.equal(element.querySelector('[role=alert]').textContent, 'A part of the server does not answer.');
});

test('while a list is on its way that is said, and when it does not come it can be asked for again', () => {
  const asked = actions('account');
  const element = put('zg-account-devices');
  assert.equal(element.querySelector('.section-body').textContent, 'Loading…');
  element.failed(new Fault('network', 'The server cannot be reached.'), 'devices');
  named(element, 'Try again').click();
  assert.deepEqual([element.querySelector('.section-body').textContent, element.querySelector('.form-fault').textContent], ['Loading…', '']);
  assert.deepEqual(asked.map(({ verb }) => verb), ['devices', 'devices']);
});

test('a fault is shown where its question was asked, whatever was asked meanwhile', () => {
  const element = put('zg-account-keys');
  type(element.querySelector('#account-key-name'), 'laptop');
  type(element.querySelector('#account-key-password'), 'secret');
  element.querySelector('form').dispatchEvent(new Event('submit', { cancelable: true, bubbles: true }));
  element.failed(new Fault('network', 'The list cannot be had.'), 'keys');
  assert.equal(element.querySelector('[type=submit]').getAttribute('aria-disabled'), 'true');
  element.failed(new Fault('wrong_password', 'The password is not right.'), 'keys.make');
  assert.equal(element.querySelector('#account-key-password-fault').textContent, 'The password is not right.');
});

test('whoever manages passwords learns whose password a form asks for', () => {
  const element = document.createElement('zg-account-keys');
  element.about = { email: 'ada@example.org', mail: false };
  document.body.replaceChildren(element);
  const [owner] = element.querySelectorAll('form input');
  assert.deepEqual([owner.autocomplete, owner.value, owner.getAttribute('aria-hidden'), owner.tabIndex], ['username', 'ada@example.org', 'true', -1]);
});

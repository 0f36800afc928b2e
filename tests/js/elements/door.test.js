/** The cards around signing in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actions, put, type } from '../support/page.js';

await import('../../../static/pwa/elements/zg-door.js');
const { Fault } = await import('../../../static/pwa/net/faults.js');

function card(door) {
  const element = put('zg-door');
  element.door = door;
  const others = () => [...element.querySelectorAll('.card > .text-button')];
  return { element, others, form: element.querySelector('form'), title: element.querySelector('h1').textContent };
}

test('the code of the second factor goes up with the card it was typed in', () => {
  const { form } = card({ face: 'second', challenge: 'secret' });
  const steps = actions('step');
  type(form.querySelector('input'), '123456');
  form.dispatchEvent(new Event('submit', { cancelable: true, bubbles: true }));
  assert.deepEqual(steps, [{ face: 'second', values: { code: '123456' } }]);
});

test('from the code one gets to a recovery code, and back to signing in', () => {
  const { others } = card({ face: 'second', challenge: 'secret' });
  const turns = actions('door');
  for (const each of others()) each.click();
  assert.deepEqual(turns, [{ face: 'recovery' }, { face: null }]);
});

test('a wrong code is said at the code', () => {
  const { element, form } = card({ face: 'second', challenge: 'secret' });
  element.failed(new Fault('wrong_code', 'The code is not right.', { status: 401 }));
  assert.equal(form.querySelector('.field-fault').textContent, 'The code is not right.');
});

test('what the letter says is told without saying whether there is an account', () => {
  const { element, form } = card({ face: 'forgotten', email: 'ada@example.org' });
  assert.match(element.querySelector('.card-notice').textContent, /^If there is an account with ada@example.org/);
  assert.equal(form, null);
});

test('a link that only has to be confirmed does nothing before the button is pressed', () => {
  const steps = actions('step');
  const { form } = card({ face: 'signup', token: 'secret' });
  assert.deepEqual(steps, []);
  form.dispatchEvent(new Event('submit', { cancelable: true, bubbles: true }));
  assert.deepEqual(steps, [{ face: 'signup', values: {} }]);
});

test('the secret of a link or a challenge is nowhere on the page', () => {
  for (const face of ['second', 'recovery', 'signup', 'reset', 'email']) {
    const { element } = card({ face, token: 'canary', challenge: 'canary' });
    assert.ok(!element.outerHTML.includes('canary'), face);
  }
});

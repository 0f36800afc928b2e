/** Writing and sending: which keys do what, and when nothing is sent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actions, press, put, type } from '../support/page.js';

await import('../../../static/pwa/elements/zg-composer.js');

function composer() {
  const element = put('zg-composer');
  const button = (/** @type {string} */ label) => element.querySelector(`[aria-label="${label}"]`);
  return { element, box: element.querySelector('textarea'), send: button('Send'), stop: button('Stop the answer'), note: element.querySelector('.composer-note') };
}

test('Enter sends the trimmed text and empties the box', () => {
  const { box } = composer();
  const sent = actions('send');
  type(box, '  Hello\n');
  assert.equal(press(box, 'Enter'), false);
  assert.deepEqual([sent, box.value], [[{ text: 'Hello' }], '']);
});

test('Shift and Enter is left to the box, for a new line', () => {
  const { box } = composer();
  const sent = actions('send');
  type(box, 'Hello');
  assert.equal(press(box, 'Enter', { shiftKey: true }), true);
  assert.deepEqual([sent, box.value], [[], 'Hello']);
});

test('Enter that ends a composition does not send', () => {
  const { box } = composer();
  const sent = actions('send');
  type(box, 'にほ');
  assert.equal(press(box, 'Enter', { isComposing: true }), true);
  assert.equal(press(box, 'Enter', { keyCode: 229 }), true);
  assert.deepEqual([sent, box.value], [[], 'にほ']);
});

test('an empty text is not sent', () => {
  const { box, send } = composer();
  const sent = actions('send');
  type(box, ' \n ');
  press(box, 'Enter');
  assert.deepEqual([sent, send.hasAttribute('disabled')], [[], true]);
});

test('while an answer is written there is Stop instead of Send, and the text stays', () => {
  const { element, box, send, stop } = composer();
  const sent = actions('send');
  const stopped = actions('stop');
  element.state = { live: true, limitBytes: 100 };
  type(box, 'Next');
  press(box, 'Enter');
  stop.click();
  assert.deepEqual([send.hidden, stop.hidden, stop.textContent, sent, stopped.length, box.value], [true, false, 'Stop', [], 1, 'Next']);
});

test('a text longer than the server takes says by how much, and is not sent', () => {
  const { element, box, note } = composer();
  const sent = actions('send');
  element.state = { live: false, limitBytes: 4 };
  type(box, 'äöü');
  press(box, 'Enter');
  assert.deepEqual([note.textContent, sent], ['Too long by 2 bytes', []]);
});

test('arrow up in an empty box asks for the last question', () => {
  const { box } = composer();
  const asked = actions('edit-last');
  press(box, 'ArrowUp');
  type(box, 'text');
  press(box, 'ArrowUp');
  assert.equal(asked.length, 1);
});

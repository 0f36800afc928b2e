/** The line of state: words, how serious they are, and the one next step. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actions, put } from '../support/page.js';

await import('../../../static/pwa/elements/zg-status-line.js');

function status(line) {
  const element = put('zg-status-line');
  element.line = line;
  return { element, words: element.querySelector('.status-text').textContent, button: element.querySelector('button') };
}

test('its words and its tone are shown, and read out without taking the focus', () => {
  const { element, words, button } = status({ text: 'Reconnecting…', tone: 'wait', action: null, late: true });
  assert.deepEqual([words, element.className, element.getAttribute('role'), button.hidden], ['Reconnecting…', 'status wait late', 'status', true]);
});

test('the next step is one button that names the thing it is about', () => {
  const again = actions('retry');
  status({ text: 'Answer stopped', tone: 'quiet', action: { label: 'Try again', name: 'retry', id: 'm' }, late: false }).button.click();
  assert.deepEqual(again, [{ id: 'm' }]);
});

test('nothing to say leaves the line empty', () => {
  const { element } = status({ text: 'Answer stopped', tone: 'quiet', action: { label: 'Try again', name: 'retry', id: 'm' }, late: false });
  element.line = null;
  assert.deepEqual([element.textContent, element.className, element.querySelector('button').hidden], ['', 'status', true]);
});

test('a time that runs down is shown, but not read out again and again', () => {
  const { element } = status({ text: 'Your message is kept', tone: 'wait', action: null, late: false, again: { lead: 'and goes out', at: Date.now() + 40_000 } });
  const again = element.querySelector('[aria-live=off]');
  assert.match(again.textContent, /^ and goes out in (39|40) seconds$/);
  element.line = { text: 'Your message is kept', tone: 'wait', action: null, late: false, again: { lead: 'and goes out', at: Date.now() - 1 } };
  assert.equal(again.textContent, '');
  element.remove();
});

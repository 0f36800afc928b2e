/** The turns by key: an element stays as long as its turn does, whatever comes around it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actions, put } from '../support/page.js';

await import('../../../static/pwa/elements/zg-message-list.js');

const IDLE = { more: false, before: null, status: 'idle' };
const run = (text) => ({ run_id: 'r', message_id: 'm', status: 'streaming', epoch: 1, place: null, parts: { text: { epoch: 1, offset: 0, text }, reasoning: { epoch: 0, offset: 0, text: '' } } });
const row = (key, fields = {}) => ({ key, role: 'user', text: key, reasoning: '', message: { id: key, run: null }, run: null, pending: null, versions: [], name: 'Model', last: false, ...fields });

function list() {
  const element = put('zg-message-list');
  const show = (rows, older = IDLE) => (element.view = { rows, older });
  const turns = () => [...element.querySelectorAll('zg-message')];
  return { element, show, turns, words: () => turns().map((turn) => turn.querySelector('.turn-body').textContent), above: element.querySelector('.above') };
}

test('older turns come above without making the later ones anew', () => {
  const { show, turns, words } = list();
  show([row('c'), row('d')]);
  const [c, d] = turns();
  show([row('a'), row('b'), row('c'), row('d')]);
  assert.deepEqual([words(), turns()[2] === c, turns()[3] === d], [['a', 'b', 'c', 'd'], true, true]);
});

test('the optimistic turn becomes the acknowledged one in the same element', () => {
  const { show, turns } = list();
  show([row('client', { message: null, pending: { state: 'sending' } })]);
  const [turn] = turns();
  show([row('client', { message: { id: 'server', run: null } })]);
  assert.deepEqual([turns().length, turns()[0] === turn, turn.classList.contains('unsent')], [1, true, false]);
});

test('a turn that is gone leaves, the others keep their order', () => {
  const { show, words } = list();
  show([row('a'), row('b'), row('c')]);
  show([row('c'), row('a')]);
  assert.deepEqual(words(), ['c', 'a']);
});

test('an answer grows inside its element, and its finished paragraphs are not touched', () => {
  const { show, turns } = list();
  show([row('q'), row('m', { role: 'assistant', text: 'One.\n\nTwo.\n\nThr', run: run('') })]);
  const paragraph = turns()[1].querySelector('p');
  show([row('q'), row('m', { role: 'assistant', text: 'One.\n\nTwo.\n\nThree', run: run('') })]);
  assert.deepEqual([turns()[1].querySelector('p') === paragraph, turns()[1].querySelector('.turn-body').textContent.replace(/\s+/g, ' ')], [true, 'One.Two.Three']);
});

test('a streaming answer offers to stop it, a finished one to copy it and to answer again', () => {
  const { show, turns } = list();
  const offered = () => [...turns()[0].querySelectorAll('button:not([hidden])')].map((button) => button.getAttribute('aria-label')).filter((label) => !/ersion/.test(label));
  show([row('m', { role: 'assistant', run: run('m') })]);
  assert.deepEqual(offered(), ['Stop the answer']);
  show([row('m', { role: 'assistant' })]);
  assert.deepEqual(offered(), ['Copy', 'Answer again']);
});

test('a failed older page says so and can be asked for again', () => {
  const { show, above } = list();
  const asked = actions('older');
  show([row('c')], { more: true, before: null, status: 'failed' });
  assert.deepEqual([above.hidden, above.querySelector('span').textContent], [false, 'Earlier messages could not be loaded']);
  above.querySelector('button').click();
  assert.equal(asked.length, 1);
});

test('with the first message there is nothing above', () => {
  const { show, above } = list();
  show([row('c')], { more: true, before: null, status: 'loading' });
  assert.equal(above.textContent.startsWith('Loading earlier messages…'), true);
  show([row('a'), row('c')]);
  assert.equal(above.hidden, true);
});

test('a long question is folded until the reader wants all of it', () => {
  const { show, turns } = list();
  show([row('q', { text: 'line\n'.repeat(40) }), row('short')]);
  const [long, short] = turns();
  const [bubble, button] = [long.querySelector('.bubble'), long.querySelector('.turn-foot > .text-button')];
  assert.deepEqual([bubble.classList.contains('folded'), short.querySelector('.turn-foot > .text-button').hidden], [true, true]);
  button.click();
  assert.deepEqual([bubble.classList.contains('folded'), button.textContent, button.getAttribute('aria-expanded')], [false, 'Show less', 'true']);
  show([row('q', { text: 'line\n'.repeat(40), message: { id: 'again', run: null } }), row('short')]);
  assert.equal(bubble.classList.contains('folded'), false);
});

test('an answer that cannot be drawn is read as plain text, and those beside it are drawn', () => {
  const undrawn = actions('undrawn');
  const { show, words } = list();
  const sanitize = globalThis.DOMPurify.sanitize;
  globalThis.DOMPurify.sanitize = (html, how) => {
    if (html.includes('poison')) throw new Error('a fault of the parser');
    return sanitize.call(globalThis.DOMPurify, html, how);
  };
  try {
    show([row('a', { role: 'assistant', text: '**before**' }), row('b', { role: 'assistant', text: '**poison**' }), row('c', { role: 'assistant', text: '**after**' })]);
  } finally {
    globalThis.DOMPurify.sanitize = sanitize;
  }
  assert.deepEqual([words(), undrawn.map(({ error }) => error.message)], [['before', '**poison**', 'after'], ['a fault of the parser']]);
});

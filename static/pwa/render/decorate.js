/**
 * What rendered Markdown gets on this page beyond its tags: code in a frame with its language and a copy button, tables
 * that scroll by themselves, links that show where they lead, and a name for what nobody would see. Works on nodes,
 * never on HTML strings.
 */
import { decorateLink } from './links.js';
import { showOverrides, showUnseen } from './unseen.js';

const TEXT_NODES = 4;

/**
 * @param {DocumentFragment} fragment
 * @param {string} origin of this page
 * @returns {Element[]} one element for each top-level block
 */
export function decorate(fragment, origin) {
  nameUnseen(fragment);
  for (const link of fragment.querySelectorAll('a')) decorateLink(link, origin);
  for (const pre of fragment.querySelectorAll('pre')) frameCode(pre);
  for (const table of fragment.querySelectorAll('table')) frameTable(table);
  return [...fragment.children];
}

/**
 * Before links are looked at: words with something unseen in them are no address.
 * @param {DocumentFragment} fragment
 */
function nameUnseen(fragment) {
  const whole = fragment.textContent ?? '';
  if (showUnseen(whole) === whole) return;
  const texts = fragment.ownerDocument.createTreeWalker(fragment, TEXT_NODES);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const exact = node.parentElement?.closest('a, code') ?? null;
    node.nodeValue = (exact ? showUnseen : showOverrides)(node.nodeValue ?? '');
  }
}

/** @param {Element} pre */
function frameCode(pre) {
  const code = pre.querySelector('code');
  const language = /language-([\w+#.-]+)/.exec(code?.className ?? '')?.[1] ?? '';
  const frame = wrap(pre, 'code');
  const head = element(pre, 'div', 'code-head');
  const name = element(pre, 'span', 'code-language');
  name.textContent = language || 'text';
  const copy = element(pre, 'button', 'text-button');
  copy.setAttribute('type', 'button');
  copy.setAttribute('data-action', 'copy-code');
  copy.textContent = 'Copy';
  head.append(name, copy);
  frame.prepend(head);
  pre.setAttribute('tabindex', '0');
}

/** What is pushed aside by a finger is pushed aside by the arrow keys too. @param {Element} table */
function frameTable(table) {
  wrap(table, 'table-scroll').setAttribute('tabindex', '0');
}

/**
 * @param {Element} inner
 * @param {string} className
 */
function wrap(inner, className) {
  const outer = element(inner, 'div', className);
  inner.replaceWith(outer);
  outer.append(inner);
  return outer;
}

/**
 * @param {Element} near
 * @param {string} tag
 * @param {string} className
 */
function element(near, tag, className) {
  const made = near.ownerDocument.createElement(tag);
  made.className = className;
  return made;
}

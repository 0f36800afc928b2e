/** A small menu at a button, and a question with two answers: both by the browser's own top layer. */
import { h } from './dom.js';
import { icon } from './icons.js';

/**
 * @typedef {{label: string, icon?: Parameters<typeof icon>[0], tone?: 'fail', checked?: boolean, run: () => void}} Item
 */

/**
 * Opens a menu below (or above) a button; Escape and a click elsewhere close it, arrows move in it.
 * @param {HTMLElement} button
 * @param {Item[]} items
 */
export function openMenu(button, items) {
  const menu = h('div', { class: 'menu', role: 'menu', popover: 'auto' });
  for (const item of items) menu.append(itemButton(menu, item));
  document.body.append(menu);
  menu.addEventListener('keydown', (event) => moveFocus(menu, event));
  menu.addEventListener('toggle', (event) => {
    const open = /** @type {ToggleEvent} */ (event).newState === 'open';
    button.setAttribute('aria-expanded', String(open));
    if (open) return;
    if (menu.contains(document.activeElement)) button.focus();
    menu.remove();
  });
  menu.showPopover();
  place(menu, button.getBoundingClientRect());
  /** @type {HTMLElement|null} */ (menu.querySelector('[role^=menuitem]'))?.focus();
}

/**
 * @param {{title: string, text: string, yes: string}} question
 * @returns {Promise<boolean>}
 */
export function confirm({ title, text, yes }) {
  const no = h('button', { type: 'submit', class: 'button', value: 'no', text: 'Cancel' });
  const go = h('button', { type: 'submit', class: 'button danger', value: 'yes', text: yes });
  const dialog = /** @type {HTMLDialogElement} */ (
    h('dialog', { class: 'dialog', 'aria-label': title }, h('h2', { text: title }), h('p', { text }), h('form', { method: 'dialog', class: 'dialog-actions' }, no, go))
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      resolve(dialog.returnValue === 'yes');
      dialog.remove();
    });
  });
}

/**
 * @param {HTMLElement} menu
 * @param {Item} item
 */
function itemButton(menu, item) {
  const role = item.checked === undefined ? 'menuitem' : 'menuitemradio';
  const button = h('button', { type: 'button', role, class: item.tone ?? '', 'aria-checked': item.checked === undefined ? null : String(item.checked) });
  button.append(item.icon ? icon(item.icon) : h('span', { class: 'icon' }), item.label);
  if (item.checked) button.append(icon('check'));
  button.addEventListener('click', () => {
    menu.hidePopover();
    item.run();
  });
  return button;
}

/**
 * @param {HTMLElement} menu
 * @param {DOMRect} anchor
 */
function place(menu, anchor) {
  const { width, height } = menu.getBoundingClientRect();
  const below = anchor.bottom + 4 + height <= innerHeight;
  menu.style.top = `${below ? anchor.bottom + 4 : anchor.top - height - 4}px`;
  menu.style.left = `${Math.max(8, Math.min(anchor.left, innerWidth - width - 8))}px`;
}

/**
 * @param {HTMLElement} menu
 * @param {KeyboardEvent} event
 */
function moveFocus(menu, event) {
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
  if (!step) return;
  event.preventDefault();
  const items = /** @type {HTMLElement[]} */ ([...menu.children]);
  const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  items[(at + step + items.length) % items.length]?.focus();
}

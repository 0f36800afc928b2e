/** Copying, with the answer on the button itself. */
import { icon } from './icons.js';

const SAID_MS = 1600;

/**
 * @param {HTMLElement} button its words (or its drawing) say for a moment that it worked
 * @param {string} text
 */
export async function copyFrom(button, text) {
  const worked = await write(text, button);
  if (button.querySelector('svg')) showDrawing(button, worked);
  else showWords(button, worked);
}

/** Without a secure context there is no clipboard API; the older way works there. @param {string} text @param {HTMLElement} button */
async function write(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return writeBySelection(text, button);
  }
}

/** Beside the button: while a dialog is open, nothing outside of it can be selected. @param {string} text @param {HTMLElement} button */
function writeBySelection(text, button) {
  const box = document.createElement('textarea');
  box.className = 'visually-hidden';
  box.value = text;
  button.after(box);
  box.select();
  const worked = document.execCommand('copy');
  box.remove();
  button.focus();
  return worked;
}

/** @param {HTMLElement} button @param {boolean} worked */
function showWords(button, worked) {
  button.textContent = worked ? 'Copied' : 'Not copied';
  setTimeout(() => (button.textContent = 'Copy'), SAID_MS);
}

/** @param {HTMLElement} button @param {boolean} worked */
function showDrawing(button, worked) {
  button.replaceChildren(icon(worked ? 'check' : 'close'));
  setTimeout(() => button.replaceChildren(icon('copy')), SAID_MS);
}

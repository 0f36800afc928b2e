/** What is shown this once: a key or codes, to be copied or kept as a file. It is gone when the section is left. */
import { copyFrom } from '../clipboard.js';
import { h } from '../dom.js';
import { saveFile } from '../save.js';
import { button } from './section.js';

/**
 * @param {{text: string, lines: string[], label: string, file: string, onDone: () => void}} what
 * @returns {HTMLElement}
 */
export function once({ text, lines, label, file, onDone }) {
  const whole = `${lines.join('\n')}\n`;
  const shown = h('ul', { class: 'once-lines', 'aria-label': label }, ...lines.map((line) => h('li', {}, h('code', { text: line }))));
  const copy = button('Copy', () => copyFrom(copy, lines.join('\n')));
  const save = button('Save as a file', () => saveFile(file, new Blob([whole], { type: 'text/plain' })));
  return h('div', { class: 'once' }, h('p', { text }), shown, h('div', { class: 'row' }, copy, save, button('I have kept it', onDone, { tone: 'primary' })));
}

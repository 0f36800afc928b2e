/** The small row under a turn: versions, copy, edit, retry. Makes the buttons; the turn says which apply. */
import { act, h, setText } from './dom.js';
import { icon } from './icons.js';

/** @typedef {'copy'|'edit'|'retry'|'drop'} ActionName */

const LABELS = Object.freeze({ copy: 'Copy', edit: 'Edit', retry: 'Answer again', drop: 'Remove' });
const DRAWINGS = Object.freeze(/** @type {const} */ ({ copy: 'copy', edit: 'edit', retry: 'retry', drop: 'trash' }));

export class TurnActions {
  /** @type {Map<ActionName, HTMLElement>} */
  #buttons = new Map();
  #place = h('span', { class: 'versions-place' });
  #versions = h('span', { class: 'versions', hidden: true });
  #ids = /** @type {string[]} */ ([]);
  #at = 0;
  element = h('div', { class: 'turn-actions' });

  /** @param {(name: ActionName, button: HTMLElement) => void} run */
  constructor(run) {
    this.#versions.append(this.#step('back', 'Version before', -1), this.#place, this.#step('forth', 'Next version', 1));
    this.element.append(this.#versions);
    for (const name of /** @type {ActionName[]} */ (Object.keys(LABELS))) {
      const button = h('button', { type: 'button', class: 'tool', 'aria-label': LABELS[name], title: LABELS[name], hidden: true }, icon(DRAWINGS[name]));
      button.addEventListener('click', () => run(name, button));
      this.#buttons.set(name, button);
      this.element.append(button);
    }
  }

  /**
   * @param {ActionName[]} names which actions apply now
   * @param {string[]} versions ids of the versions of this turn
   * @param {string} id the version that is shown
   */
  show(names, versions, id) {
    for (const [name, button] of this.#buttons) button.hidden = !names.includes(name);
    this.#ids = versions;
    this.#at = versions.indexOf(id);
    this.#versions.hidden = versions.length < 2;
    setText(this.#place, versions.length < 2 ? '' : `${this.#at + 1} of ${versions.length}`);
  }

  /**
   * @param {'back'|'forth'} drawing
   * @param {string} label
   * @param {number} by
   */
  #step(drawing, label, by) {
    const button = h('button', { type: 'button', class: 'tool', 'aria-label': label, title: label }, icon(drawing));
    button.addEventListener('click', () => {
      const id = this.#ids[this.#at + by];
      if (id) act(this.element, 'version', { id });
    });
    return button;
  }
}

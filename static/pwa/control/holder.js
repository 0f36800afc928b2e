/**
 * Holds the one state of the page: events in, at most one notification per animation frame out.
 *
 * @typedef {import('../core/state.js').State} State
 */
import { reduce } from '../core/reducer.js';
import { EMPTY_STATE } from '../core/state.js';

export class Holder {
  /** @type {State} */
  #state = EMPTY_STATE;
  /** @type {Set<(state: State) => void>} */
  #painters = new Set();
  /** @type {Set<(state: State, before: State) => void>} */
  #watchers = new Set();
  #frame = 0;

  get state() {
    return this.#state;
  }

  /** @param {{type: string, [key: string]: unknown}} event */
  dispatch(event) {
    const before = this.#state;
    this.#state = reduce(before, event);
    if (this.#state === before) return;
    // First, so that what happened is shown even when one who watches breaks.
    this.#frame ||= requestAnimationFrame(() => this.#paint());
    for (const watch of this.#watchers) watch(this.#state, before);
  }

  /** Called before the next paint when something has changed. @param {(state: State) => void} painter */
  onPaint(painter) {
    this.#painters.add(painter);
  }

  /** Called at once with every change: for what must be done, not shown. @param {(state: State, before: State) => void} watcher */
  onChange(watcher) {
    this.#watchers.add(watcher);
  }

  #paint() {
    this.#frame = 0;
    for (const paint of this.#painters) paint(this.#state);
  }
}

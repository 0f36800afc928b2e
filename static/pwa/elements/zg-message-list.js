/**
 * The turns of the conversation, reconciled by key, and the scroll: it follows the end only while the reader is there.
 *
 * @typedef {import('../core/screen.js').Row} Row
 * @typedef {import('./zg-message.js').MessageTurn} MessageTurn
 */
import './zg-message.js';
import { Above } from './above.js';
import { act, h, Part } from './dom.js';
import { icon } from './icons.js';

const AT_END_PX = 8;
/** Earlier turns are asked for before the reader is at the top. */
const NEAR_TOP_PX = 800;

export class MessageList extends Part {
  /** @type {Map<string, MessageTurn>} */
  #turns = new Map();
  #above = new Above(() => act(this, 'older'));
  /** @type {import('../core/state.js').Older|null} */
  #older = null;
  #firstKey = '';
  #column = h('div', { class: 'column turns' });
  #scroller = h('div', { class: 'scroller', tabindex: '0', role: 'region', 'aria-label': 'Conversation' }, this.#above.element, this.#column);
  #jump = h('button', { type: 'button', class: 'jump', hidden: true }, icon('down'), 'Jump to the latest');
  #following = true;
  #lastTop = 0;

  /** @override */
  build() {
    this.append(this.#scroller, this.#jump);
  }

  /** @override @param {AbortSignal} signal */
  attach(signal) {
    this.#scroller.addEventListener('scroll', () => this.#scrolled(), { signal, passive: true });
    this.#jump.addEventListener('click', () => this.follow(true), { signal });
    const resized = new ResizeObserver(() => this.#following && this.#toEnd());
    resized.observe(this.#scroller);
    resized.observe(this.#column);
    signal.addEventListener('abort', () => resized.disconnect());
  }

  /** @param {{rows: Row[], older: import('../core/state.js').Older}} view */
  set view({ rows, older }) {
    const prepended = rows[0]?.key !== this.#firstKey;
    this.#firstKey = rows[0]?.key ?? '';
    this.#inPlace(!this.#following && (prepended || older.more !== this.#older?.more), () => {
      this.#older = older;
      this.#above.show(older);
      this.#reconcile(rows);
    });
    if (this.#following) this.#toEnd();
    this.#jump.hidden = this.#following;
    this.#askOlder();
  }

  /** The end, and from now on with it. @param {boolean} [smooth] */
  follow(smooth = false) {
    this.#following = true;
    this.#jump.hidden = true;
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    if (smooth && !calm && this.#distance() < 4000) this.#scroller.scrollTo({ top: this.#scroller.scrollHeight, behavior: 'smooth' });
    else this.#toEnd();
  }

  /** @param {string} key */
  edit(key) {
    this.#turns.get(key)?.edit();
  }

  /**
   * What the reader sees stays where it is while something comes or goes above it.
   * @param {boolean} wanted
   * @param {() => void} change
   */
  #inPlace(wanted, change) {
    if (!wanted) return change();
    const top = this.#scroller.getBoundingClientRect().top;
    const seen = [...this.#column.children].find((turn) => turn.getBoundingClientRect().bottom > top);
    const before = seen?.getBoundingClientRect().top ?? 0;
    change();
    if (!seen?.isConnected) return;
    const moved = seen.getBoundingClientRect().top - before;
    if (Math.abs(moved) > 0.5) this.#scroller.scrollTop += moved;
    this.#lastTop = this.#scroller.scrollTop;
  }

  #askOlder() {
    if (!this.#older?.more || this.#older.status !== 'idle') return;
    const { scrollTop, clientHeight } = this.#scroller;
    if (clientHeight > 0 && scrollTop < NEAR_TOP_PX) act(this, 'older');
  }

  /** @param {Row[]} rows */
  #reconcile(rows) {
    const wanted = new Set(rows.map((row) => row.key));
    for (const [key, turn] of this.#turns) {
      if (wanted.has(key)) continue;
      turn.remove();
      this.#turns.delete(key);
    }
    rows.forEach((row, index) => this.#place(row, index));
  }

  /**
   * @param {Row} row
   * @param {number} index
   */
  #place(row, index) {
    const turn = this.#turns.get(row.key) ?? this.#make(row.key);
    const there = this.#column.children[index];
    if (there !== turn) this.#column.insertBefore(turn, there ?? null);
    turn.row = row;
  }

  /** @param {string} key */
  #make(key) {
    const turn = /** @type {MessageTurn} */ (document.createElement('zg-message'));
    this.#turns.set(key, turn);
    return turn;
  }

  /** Moving up leaves the end; only being there again follows it. */
  #scrolled() {
    const top = this.#scroller.scrollTop;
    const distance = this.#distance();
    if (top < this.#lastTop - 1 && distance > AT_END_PX) this.#following = false;
    else if (distance <= AT_END_PX) this.#following = true;
    this.#lastTop = top;
    this.#jump.hidden = this.#following;
    this.#askOlder();
  }

  #distance() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight;
  }

  #toEnd() {
    if (this.#distance() <= 0.5) return;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}

customElements.define('zg-message-list', MessageList);

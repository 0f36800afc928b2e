/** Loads the messages above the oldest one that is held, a page each time it is asked to. Draws nothing. */

const PAGE = 50;
/** The first page finds the place where the held messages begin: as many as `session.open` gives at most. */
const FIRST_PAGE = 200;

export class Older {
  #parts;

  /** @param {{api: import('../net/api.js').Api, holder: import('./holder.js').Holder}} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  async load() {
    const { holder } = this.#parts;
    const open = holder.state.open;
    if (!open || !open.older.more || open.older.status === 'loading') return;
    holder.dispatch({ type: 'local.older_loading', session_id: open.id });
    try {
      while (await this.#page(open.id));
    } catch {
      holder.dispatch({ type: 'local.older_failed', session_id: open.id });
    }
  }

  /**
   * @param {string} id
   * @returns {Promise<boolean>} whether the page brought nothing new and there are more
   */
  async #page(id) {
    const { api, holder } = this.#parts;
    const { before } = holder.state.open?.older ?? { before: null };
    const place = before === null ? `limit=${FIRST_PAGE}` : `limit=${PAGE}&before=${encodeURIComponent(before)}`;
    const page = await api.call('GET', `/sessions/${id}/messages?${place}`);
    const open = holder.state.open;
    if (open?.id !== id) return false;
    const brought = page.items.some((/** @type {{id: string}} */ message) => !(message.id in open.messages));
    const last = brought || page.before === null;
    holder.dispatch({ type: 'local.older_loaded', session_id: id, items: page.items, before: page.before, last });
    return !last;
  }
}

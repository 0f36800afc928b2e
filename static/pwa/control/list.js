/** Keeps the list of sessions true: pages, what changed meanwhile, rename and delete. Draws nothing. */
import { asShown } from '../net/faults.js';

const PAGE = 50;
const KEPT = 100;

export class List {
  #parts;
  #syncing = false;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #keepTimer;

  /**
   * @param {{api: import('../net/api.js').Api, store: import('../net/store.js').Store,
   *          holder: import('./holder.js').Holder}} parts
   */
  constructor(parts) {
    this.#parts = parts;
    parts.holder.onChange((state, before) => {
      if (state.list === before.list || state.account !== 'in') return;
      if (state.list.behind) this.sync();
      this.#keepSoon();
    });
  }

  /** The first page when nothing is held, else what changed since the held revision. */
  async sync() {
    if (this.#syncing) return;
    this.#syncing = true;
    try {
      if (this.#parts.holder.state.list.revision === 0) await this.#load(`/sessions?limit=${PAGE}`);
      else await this.#catchUp();
    } catch {
      return;
    } finally {
      this.#syncing = false;
    }
  }

  async loadMore() {
    const { next } = this.#parts.holder.state.list;
    if (next) await this.#load(`/sessions?limit=${PAGE}&before=${encodeURIComponent(next)}`).catch(() => {});
  }

  async loadAll() {
    while (this.#parts.holder.state.list.next) {
      const { next } = this.#parts.holder.state.list;
      await this.loadMore();
      if (next === this.#parts.holder.state.list.next) return;
    }
  }

  /** @param {string} id @param {string} title */
  rename(id, title) {
    return this.#act(async () => this.#apply([await this.#parts.api.call('PATCH', `/sessions/${id}`, { title })], []));
  }

  /** @param {string} id */
  remove(id) {
    return this.#act(async () => {
      await this.#parts.api.call('DELETE', `/sessions/${id}`);
      await this.#parts.store.dropConversation(id);
      this.#apply([], [id]);
    });
  }

  /** @param {string} path */
  async #load(path) {
    const page = await this.#parts.api.call('GET', path);
    this.#parts.holder.dispatch({ type: 'local.list_loaded', items: page.items, revision: page.revision, next: page.next ?? null });
  }

  async #catchUp() {
    for (let more = true; more; ) {
      const since = this.#parts.holder.state.list.revision;
      const page = await this.#parts.api.call('GET', `/sessions?since=${since}`);
      this.#parts.holder.dispatch({ type: 'local.list_loaded', items: page.items, deleted: page.deleted, revision: page.revision });
      for (const id of page.deleted) await this.#parts.store.dropConversation(id);
      more = page.more && page.revision > since;
    }
  }

  /** @param {() => Promise<void>} action */
  async #act(action) {
    try {
      await action();
    } catch (error) {
      const { message } = asShown(error);
      if (this.#parts.holder.state.account === 'in') this.#parts.holder.dispatch({ type: 'local.notice', notice: message });
    }
  }

  /**
   * @param {import('../core/protocol.js').Session[]} items
   * @param {string[]} deleted
   */
  #apply(items, deleted) {
    const { holder } = this.#parts;
    holder.dispatch({ type: 'local.list_loaded', items, deleted, revision: holder.state.list.revision });
  }

  #keepSoon() {
    clearTimeout(this.#keepTimer);
    this.#keepTimer = setTimeout(() => {
      const { user, list } = this.#parts.holder.state;
      if (!user) return;
      const sessions = Object.values(list.byId).sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1));
      this.#parts.store.keepAccount({ user, sessions: sessions.slice(0, KEPT), revision: list.revision });
    }, 500);
  }
}

/**
 * What this device keeps for reading without a network, and what it must not lose: sessions, their messages, and the
 * outbox. IndexedDB, one small promise wrapper; where there is none (private windows), nothing is kept and all works.
 *
 * @typedef {import('../core/protocol.js').Session} Session
 * @typedef {import('../core/protocol.js').Message} Message
 * @typedef {import('../core/protocol.js').User} User
 * @typedef {import('../core/state.js').OutboxEntry} OutboxEntry
 * @typedef {{id: string, revision: number, messages: Record<string, Message>, older?: import('../core/state.js').Older,
 *            kept_at: number}} Kept
 */

const NAME = 'zgpt';
const VERSION = 1;
const STORES = /** @type {const} */ (['facts', 'conversations', 'outbox']);
const CONVERSATIONS_KEPT = 50;

export class Store {
  /** Null when there is none at the moment: the next use opens one. @type {Promise<IDBDatabase|null>|null} */
  #database = null;

  /** @returns {Promise<{user: User, sessions: Session[], revision: number}|null>} */
  account() {
    return this.#run('facts', 'readonly', (store) => store.get('account'));
  }

  /** @param {{user: User, sessions: Session[], revision: number}} account */
  keepAccount(account) {
    return this.#run('facts', 'readwrite', (store) => store.put(account, 'account'));
  }

  /** @param {string} id @returns {Promise<Kept|null>} */
  conversation(id) {
    return this.#run('conversations', 'readonly', (store) => store.get(id));
  }

  /** @param {Omit<Kept, 'kept_at'>} kept */
  async keepConversation(kept) {
    await this.#run('conversations', 'readwrite', (store) => store.put({ ...kept, kept_at: Date.now() }));
    await this.#trim();
  }

  /** @param {string} id */
  dropConversation(id) {
    return this.#run('conversations', 'readwrite', (store) => store.delete(id));
  }

  /** @returns {Promise<OutboxEntry[]>} oldest first */
  async outbox() {
    /** @type {OutboxEntry[]} */
    const entries = (await this.#run('outbox', 'readonly', (store) => store.getAll())) ?? [];
    return entries.sort((a, b) => (a.created_at < b.created_at ? -1 : 1));
  }

  /** @param {OutboxEntry} entry */
  keepEntry(entry) {
    return this.#run('outbox', 'readwrite', (store) => store.put(entry));
  }

  /** @param {string} clientId */
  dropEntry(clientId) {
    return this.#run('outbox', 'readwrite', (store) => store.delete(clientId));
  }

  async clear() {
    for (const name of STORES) await this.#run(name, 'readwrite', (store) => store.clear());
  }

  async #trim() {
    /** @type {Kept[]} */
    const all = (await this.#run('conversations', 'readonly', (store) => store.getAll())) ?? [];
    const old = all.sort((a, b) => b.kept_at - a.kept_at).slice(CONVERSATIONS_KEPT);
    for (const { id } of old) await this.dropConversation(id);
  }

  /**
   * @param {typeof STORES[number]} name
   * @param {IDBTransactionMode} mode
   * @param {(store: IDBObjectStore) => IDBRequest} ask
   * @returns {Promise<any>} the request's result, or null when nothing can be kept
   */
  async #run(name, mode, ask) {
    const database = await (this.#database ??= this.#open());
    if (!database) return null;
    return new Promise((resolve) => {
      try {
        const request = ask(database.transaction(name, mode).objectStore(name));
        request.onsuccess = () => resolve(request.result ?? null);
        request.onerror = () => resolve(null);
      } catch {
        // Taken away without a word: this one is lost, the next ones are kept.
        this.#database = null;
        resolve(null);
      }
    });
  }

  /** It may be taken away while the page is open: the person clears what sites have kept. @returns {Promise<IDBDatabase|null>} */
  async #open() {
    const database = await openDatabase();
    if (database) database.addEventListener('close', () => (this.#database = null));
    else this.#database = null;
    return database;
  }
}

/** @returns {Promise<IDBDatabase|null>} */
function openDatabase() {
  return new Promise((resolve) => {
    if (!globalThis.indexedDB) return resolve(null);
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore('facts');
      request.result.createObjectStore('conversations', { keyPath: 'id' });
      request.result.createObjectStore('outbox', { keyPath: 'client_id' });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => resolve(null);
  });
}

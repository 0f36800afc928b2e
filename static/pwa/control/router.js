/** The address and the open session, held together by the history API. */
import { pathOf, sessionIn } from '../core/routes.js';
import { isUnsent } from '../core/state.js';

export class Router {
  #parts;

  /** @param {{holder: import('./holder.js').Holder, conversation: import('./conversation.js').Conversation}} parts */
  constructor(parts) {
    this.#parts = parts;
    addEventListener('popstate', () => this.show());
  }

  /** Shows what the address says; at `/`, a new chat whose first message is still unsent. @param {import('../core/state.js').OutboxEntry[]} [unsent] */
  async show(unsent = []) {
    const { conversation } = this.#parts;
    const id = sessionIn(location.pathname);
    if (id) return conversation.open(id);
    const waiting = unsent.findLast((entry) => isUnsent(entry.session_id));
    if (waiting) this.begin(waiting.session_id);
    else conversation.close();
  }

  /** @param {string|null} id null for a new chat */
  go(id) {
    if (location.pathname !== pathOf(id)) history.pushState(null, '', pathOf(id));
    return this.show();
  }

  /** A session that exists only here so far. @param {string} unsentId */
  begin(unsentId) {
    this.#parts.conversation.begin(unsentId);
  }

  /** The server made it: its address replaces `/`, unless the person has gone elsewhere. @param {string} _unsentId @param {string} id */
  made(_unsentId, id) {
    if (this.#parts.holder.state.open?.id === id) history.replaceState(null, '', pathOf(id));
  }
}

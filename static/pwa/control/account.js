/** Who is signed in on this page: start, sign in and out, and keeping the token fresh. Draws nothing. */
import { CLOSE_LOGIN_ENDED } from '../core/protocol.js';
import { asFault } from '../net/faults.js';

const FLAG = 'zgpt.signed_in';
const RETRY_MS = 5_000;
const ENDED = 'Your sign-in has ended. Sign in to go on.';

export class Account {
  #parts;
  #removed = false;
  /** The server wants this page not to come back before it is loaded anew. */
  #shut = false;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;

  /**
   * @param {{api: import('../net/api.js').Api, line: import('./fallback.js').Line,
   *          store: import('../net/store.js').Store, holder: import('./holder.js').Holder,
   *          onEnter: () => Promise<void>}} parts `onEnter`: somebody is signed in, the rest of the page may start
   */
  constructor(parts) {
    this.#parts = parts;
    parts.api.onGrant = (grant) => (grant ? this.#granted(grant) : this.#ended());
    parts.line.addEventListener('left', (event) => this.#turnedAway(/** @type {CustomEvent} */ (event).detail));
  }

  /** What is kept on this device is shown first; the server is asked meanwhile. */
  async start() {
    this.#loadApp();
    if (!remembered()) return this.#parts.holder.dispatch({ type: 'local.signed_out' });
    const kept = await this.#parts.store.account();
    if (kept) this.#showKept(kept);
    await this.#resume();
  }

  /**
   * Everything of the account goes. The server closes the socket before it answers, which says nothing more.
   * @param {{password: string}} form
   */
  async remove(form) {
    this.#removed = true;
    try {
      await this.#parts.api.call('DELETE', '/auth/me', form);
    } catch (error) {
      this.#removed = false;
      throw error;
    }
    this.#parts.api.forget();
    await this.#left('Your account is deleted.');
  }

  /** At once here; the server hears of it meanwhile. */
  async signOut() {
    const told = this.#parts.api.signOut().catch(() => {});
    await this.#left();
    await told;
  }

  async #loadApp() {
    try {
      this.#parts.holder.dispatch({ type: 'local.app', app: await this.#parts.api.open('GET', '/app') });
    } catch {
      setTimeout(() => this.#loadApp(), RETRY_MS);
    }
  }

  /** Without a network the person stays signed in with what is kept here, and the server is asked again later. */
  async #resume() {
    const { api, holder } = this.#parts;
    try {
      await api.refresh();
    } catch (error) {
      if (asFault(error).status === 401 || !remembered()) return;
      if (holder.state.account === 'in') holder.dispatch({ type: 'local.phase', phase: navigator.onLine ? 'waiting' : 'offline' });
      this.#schedule(RETRY_MS, () => this.#resume());
    }
  }

  /** @param {{user: import('../core/protocol.js').User, sessions: import('../core/protocol.js').Session[], revision: number}} kept */
  #showKept(kept) {
    const { holder, onEnter } = this.#parts;
    holder.dispatch({ type: 'local.signed_in', user: kept.user });
    holder.dispatch({ type: 'local.list_loaded', items: kept.sessions, revision: kept.revision });
    return onEnter();
  }

  /** @param {import('../net/api.js').Grant} grant */
  async #granted(grant) {
    this.#removed = false;
    const { api, holder, line, store, onEnter } = this.#parts;
    const held = holder.state.user;
    // This page slept while somebody else signed in beside it: it is theirs from here on.
    if (held && held.id !== grant.user.id) await this.#left();
    this.#schedule(api.refreshInMs, () => this.#renew());
    const before = holder.state.user;
    if (before?.id === grant.user.id) return this.#shut ? undefined : line.start();
    const kept = await store.account();
    if (kept && kept.user.id !== grant.user.id) await store.clear();
    // Before the flag: a reload without a network a moment later must find who is signed in.
    if (kept?.user.id !== grant.user.id) await store.keepAccount({ user: grant.user, sessions: [], revision: 0 });
    remember(true);
    holder.dispatch({ type: 'local.signed_in', user: grant.user });
    await onEnter();
    if (holder.state.user?.id === grant.user.id) line.start();
  }

  async #renew() {
    const { api, line } = this.#parts;
    if (line.ready) await line.renew();
    else await api.refresh().catch(() => {});
    if (api.refreshInMs === 0 && remembered()) this.#schedule(RETRY_MS, () => this.#renew());
  }

  /** The sign-in is over, and not because the account is being deleted. */
  #ended() {
    return this.#removed ? undefined : this.#left(ENDED);
  }

  /**
   * The server said not to come back: signed out elsewhere, or something only a reload can mend.
   * @param {number} code of the close
   */
  async #turnedAway(code) {
    if (this.#removed) return;
    const { api, holder } = this.#parts;
    this.#shut = code !== CLOSE_LOGIN_ENDED;
    try {
      api.forget();
      await api.refresh();
      if (this.#shut) holder.dispatch({ type: 'local.notice', notice: 'The server closed this connection. Reload the page to go on.' });
    } catch (error) {
      if (asFault(error).status !== 401 && remembered()) this.#schedule(RETRY_MS, () => this.#turnedAway(code));
    }
  }

  /** Nothing of the person stays on this device; the app's own files do, they are everybody's. @param {string|null} [notice] why, when it was not asked for here */
  async #left(notice = null) {
    const { line, store, holder } = this.#parts;
    clearTimeout(this.#timer);
    this.#shut = false;
    remember(false);
    line.stop();
    holder.dispatch({ type: 'local.signed_out', notice });
    await store.clear();
  }

  /**
   * @param {number} delayMs
   * @param {() => void} then
   */
  #schedule(delayMs, then) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, delayMs);
  }
}

function remembered() {
  return localStorage.getItem(FLAG) === '1';
}

/** @param {boolean} signedIn */
function remember(signedIn) {
  if (signedIn) localStorage.setItem(FLAG, '1');
  else localStorage.removeItem(FLAG);
}

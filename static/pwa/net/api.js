/**
 * REST with the access token held in memory only. Silent refresh: one at a time in this tab, and one tab after the
 * other where the browser has locks, because every refresh rotates the cookie. Knows no screens and no state.
 *
 * @typedef {import('../core/protocol.js').User} User
 * @typedef {{access_token: string, expires_in: number, user: User}} Grant
 * @typedef {{challenge: string, expires_in: number}} Challenge the password was right, the second factor is asked for
 * @typedef {{mail: 'sent'}} Mailed a letter says how it goes on
 */
import { Fault, networkFault } from './faults.js';
import { within } from './life.js';

const BASE = '/api/v1';
const REQUEST_TIMEOUT_MS = 15_000;
/** Who leaves does not wait for a server that does not answer. */
const SIGN_OUT_TIMEOUT_MS = 4_000;
/** Years of chats over a slow line. */
const FILE_TIMEOUT_MS = 600_000;
const REFRESH_EARLY_MS = 60_000;
const REFRESH_LOCK = 'zgpt-refresh';

export class Api {
  #token = '';
  #expiresAt = 0;
  /** @type {Promise<Grant>|null} */
  #refreshing = null;
  /** What is asked for ends with the sign-in in which it was asked. */
  #life = new AbortController();
  #userId = '';
  /** Done when the server knows of the last sign-out: its answer must not take the next one's cookie away. */
  #leaving = Promise.resolve();
  #fetch;

  /** Called with every new grant, and with null when the server says that this login is over. @type {(grant: Grant|null) => void} */
  onGrant = () => {};

  /** @param {typeof fetch} [fetchImpl] */
  constructor(fetchImpl = (...parts) => fetch(...parts)) {
    this.#fetch = fetchImpl;
  }

  /** Milliseconds until a refresh is due; 0 when it is due now. */
  get refreshInMs() {
    return Math.max(0, this.#expiresAt - REFRESH_EARLY_MS - Date.now());
  }

  /** A token that is good for at least some seconds. @returns {Promise<string>} */
  async token() {
    if (!this.#token || this.refreshInMs === 0) await this.refresh();
    return this.#token;
  }

  /** @param {{email: string, password: string, name?: string}} form */
  signUp(form) {
    return this.enter('/auth/signup', form);
  }

  /** @param {{email: string, password: string}} form */
  signIn(form) {
    return this.enter('/auth/login', form);
  }

  /**
   * Any way in.
   * @param {string} path
   * @param {object} form
   * @returns {Promise<Grant|Challenge|Mailed>} a grant is in use already
   */
  async enter(path, form) {
    await this.#leaving;
    const answer = await this.#send('POST', path, form);
    return 'access_token' in answer ? this.#granted(answer) : answer;
  }

  /** This sign-in goes on with new tokens, all others end. @param {{current_password: string, new_password: string}} form */
  async changePassword(form) {
    return this.#granted(await this.call('POST', '/auth/password', form));
  }

  /** The login ends on the server too; a server that cannot be reached must not keep anyone signed in here. */
  signOut() {
    const told = this.#send('POST', '/auth/logout', {}, this.#token, SIGN_OUT_TIMEOUT_MS);
    this.#leaving = told.catch(() => {});
    this.forget();
    return told;
  }

  /** What is still under way for this sign-in ends, a refresh as well: none may bring it back. */
  forget() {
    this.#token = '';
    this.#expiresAt = 0;
    this.#userId = '';
    this.#refreshing = null;
    this.#life.abort();
    this.#life = new AbortController();
  }

  /** @returns {Promise<Grant>} */
  refresh() {
    if (this.#refreshing) return this.#refreshing;
    const asked = this.#refreshInTurn(this.#life.signal).finally(() => {
      if (this.#refreshing === asked) this.#refreshing = null;
    });
    this.#refreshing = asked;
    return asked;
  }

  /**
   * One authorized request; an expired token is renewed once.
   * @param {'GET'|'POST'|'PATCH'|'DELETE'} method
   * @param {string} path
   * @param {unknown} [body]
   * @returns {Promise<any>} the JSON answer, or null for 204
   */
  call(method, path, body) {
    return this.#authorized((token) => this.#send(method, path, body, token));
  }

  /**
   * An authorized answer that is read while it comes; the caller bounds it in time.
   * @param {string} path
   * @param {{signal: AbortSignal, lastId?: string}} how `lastId`: the position of an event stream to go on from
   * @returns {Promise<Response>} with status 2xx
   */
  stream(path, { signal, lastId = '' }) {
    return this.#authorized(async (token) => {
      /** @type {Record<string, string>} */
      const headers = { accept: 'text/event-stream', authorization: `Bearer ${token}` };
      if (lastId) headers['last-event-id'] = lastId;
      const response = await this.#reach(BASE + path, { headers, signal, credentials: 'same-origin', cache: 'no-store' });
      if (!response.ok) throw problemOf(response, await response.json().catch(() => null));
      return response;
    });
  }

  /**
   * A file of the person's own; a part of one is a fault.
   * @param {string} path
   * @returns {Promise<{name: string, blob: Blob}>}
   */
  file(path) {
    return this.#authorized(async (token) => {
      const signal = AbortSignal.timeout(FILE_TIMEOUT_MS);
      const response = await this.#reach(BASE + path, { headers: { authorization: `Bearer ${token}` }, signal, credentials: 'same-origin', cache: 'no-store' });
      if (!response.ok) throw problemOf(response, await response.json().catch(() => null));
      const blob = await response.blob().catch(() => {
        throw networkFault('The file broke off on its way. Try again.');
      });
      return { name: nameOf(response), blob };
    });
  }

  /** One request without a token. @param {'GET'|'POST'} method @param {string} path @param {unknown} [body] */
  open(method, path, body) {
    return this.#send(method, path, body);
  }

  /**
   * @template T
   * @param {(token: string) => Promise<T>} ask
   * @returns {Promise<T>}
   */
  async #authorized(ask) {
    const life = this.#life.signal;
    const token = await within(life, this.token());
    try {
      return await within(life, ask(token));
    } catch (error) {
      if (life.aborted || !(error instanceof Fault) || error.status !== 401) throw error;
      await within(life, this.refresh());
      return within(life, ask(this.#token));
    }
  }

  /** @param {AbortSignal} life */
  async #refreshInTurn(life) {
    const ask = async () => {
      await within(life, this.#leaving);
      return this.#granted(await within(life, this.#send('POST', '/auth/refresh')));
    };
    try {
      return globalThis.navigator?.locks ? await navigator.locks.request(REFRESH_LOCK, ask) : await ask();
    } catch (error) {
      if (!life.aborted && error instanceof Fault && error.status === 401) {
        this.forget();
        this.onGrant(null);
      }
      throw error;
    }
  }

  /** @param {Grant} grant */
  #granted(grant) {
    // The cookie belongs to whoever signed in last in this browser: what another one asked for must not be done by this one.
    if (this.#userId && this.#userId !== grant.user.id) this.forget();
    this.#userId = grant.user.id;
    this.#token = grant.access_token;
    this.#expiresAt = Date.now() + grant.expires_in * 1000;
    this.onGrant(grant);
    return grant;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   * @param {string} [token]
   * @param {number} [timeoutMs]
   * @returns {Promise<any>}
   */
  async #send(method, path, body, token, timeoutMs = REQUEST_TIMEOUT_MS) {
    /** @type {Record<string, string>} */
    const headers = { accept: 'application/json' };
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (token) headers['authorization'] = `Bearer ${token}`;
    const response = await this.#reach(BASE + path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      credentials: 'same-origin',
      cache: 'no-store',
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status === 204) return null;
    const answer = await response.json().catch(() => null);
    if (!response.ok) throw problemOf(response, answer);
    return answer;
  }

  /** @param {string} url @param {RequestInit} options */
  async #reach(url, options) {
    try {
      return await this.#fetch(url, options);
    } catch {
      throw networkFault();
    }
  }
}

/** @param {Response} response */
function nameOf(response) {
  return /filename="([\w.-]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1] ?? 'z-gpt-export';
}

/**
 * An RFC 9457 problem document as a fault; anything else by its status.
 * @param {Response} response
 * @param {any} answer
 */
function problemOf(response, answer) {
  const after = Number(response.headers.get('retry-after'));
  return new Fault(answer?.code ?? `http_${response.status}`, answer?.detail ?? answer?.title ?? 'The server did not answer as expected. Try again.', {
    retryable: answer?.retryable ?? response.status >= 500,
    retryAfterMs: answer?.retry_after_ms ?? (after > 0 ? after * 1000 : null),
    status: response.status,
    fields: Array.isArray(answer?.errors) ? answer.errors : [],
  });
}

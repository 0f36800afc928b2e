/** What the sections of the account dialog ask for, and the answers back to them. Keeps nothing of what it carries. */
import '../elements/account/zg-account.js';
import { h } from '../elements/dom.js';
import { asFault, asShown } from '../net/faults.js';

/**
 * @typedef {import('../elements/account/section.js').Section} Section
 * @typedef {{page: import('../elements/zg-app.js').App, holder: import('./holder.js').Holder, api: import('../net/api.js').Api,
 *            account: import('./account.js').Account}} Parts
 */

export class Settings {
  #parts;
  #verbs;

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#verbs = verbsOf(parts);
    parts.page.addEventListener('chat-account', (event) => this.#run(/** @type {CustomEvent} */ (event)));
  }

  /** @param {HTMLElement} button what has the focus again when the dialog is closed */
  open(button) {
    const { page, holder } = this.#parts;
    const { user, app } = holder.state;
    if (!user) return;
    const dialog = /** @type {import('../elements/account/zg-account.js').AccountDialog} */ (h('zg-account'));
    dialog.about = { email: user.email ?? '', mail: app?.mail ?? false };
    dialog.onClose = () => button.focus();
    page.append(dialog);
  }

  /** @param {CustomEvent<{verb: string, form: any}>} event */
  async #run({ detail: { verb, form }, target }) {
    const section = /** @type {Section} */ (target);
    try {
      section.done(verb, await this.#verbs[verb]?.(form));
    } catch (error) {
      section.failed(asShown(error), verb);
    }
  }
}

/**
 * @param {Parts} parts
 * @returns {Record<string, (form: any) => Promise<unknown>>}
 */
function verbsOf({ api, account }) {
  const auth = '/auth';
  return {
    'devices': () => api.call('GET', `${auth}/logins`),
    'devices.end': ({ ids }) => endEach(api, ids),
    'password': (form) => api.changePassword(form),
    'email': (form) => api.call('POST', `${auth}/email`, form),
    'factor': () => api.call('GET', `${auth}/second-factor`),
    'factor.begin': (form) => api.call('POST', `${auth}/second-factor`, form),
    'factor.confirm': (form) => api.call('POST', `${auth}/second-factor/confirm`, form),
    'factor.codes': (form) => api.call('POST', `${auth}/second-factor/recovery-codes`, form),
    'factor.off': (form) => api.call('POST', `${auth}/second-factor/disable`, form),
    'keys': () => api.call('GET', `${auth}/keys`),
    'keys.make': (form) => api.call('POST', `${auth}/keys`, form),
    'keys.end': ({ id }) => api.call('DELETE', `${auth}/keys/${encodeURIComponent(id)}`),
    'usage': () => api.call('GET', '/usage'),
    'export': ({ format }) => api.file(`${auth}/me/export?format=${format}`),
    'delete': (form) => account.remove(form),
  };
}

/**
 * One after the other; one that is gone already is what was wanted.
 * @param {import('../net/api.js').Api} api
 * @param {string[]} ids
 */
async function endEach(api, ids) {
  for (const id of ids) {
    await api.call('DELETE', `/auth/logins/${encodeURIComponent(id)}`).catch((error) => {
      if (asFault(error).status !== 404) throw error;
    });
  }
}

/** Signing in and what belongs to it: the second step, a forgotten password, and the links of letters. Draws nothing. */
import { linkIn } from '../core/routes.js';
import { asShown } from '../net/faults.js';

/** @typedef {import('../core/state.js').Door} DoorState */

export class Door {
  #parts;
  /** Whose account is being entered: its card goes when the account is there, not before. */
  #awaited = '';

  /**
   * @param {{page: import('../elements/zg-app.js').App, holder: import('./holder.js').Holder,
   *          api: import('../net/api.js').Api}} parts
   */
  constructor(parts) {
    this.#parts = parts;
  }

  /** Before the account is started, so that a link's card is the first thing that is seen. */
  attach() {
    const { page } = this.#parts;
    page.addEventListener('chat-sign-in', (event) => this.#signIn(/** @type {CustomEvent} */ (event).detail));
    page.addEventListener('chat-step', (event) => this.#step(/** @type {CustomEvent} */ (event).detail));
    page.addEventListener('chat-door', (event) => this.#turn(/** @type {CustomEvent} */ (event).detail.face));
    this.#parts.holder.onChange(() => this.#letIn());
    addEventListener('hashchange', () => this.#takeLink());
    this.#takeLink();
  }

  /** The secret leaves the address at once: neither the history nor a copied address keeps it. */
  #takeLink() {
    const link = linkIn(location.hash);
    if (!link) return;
    history.replaceState(history.state, '', location.pathname + location.search);
    this.#show(link);
  }

  /** @param {{mode: 'in'|'up', email: string, password: string}} form */
  async #signIn({ mode, email, password }) {
    const { api, page } = this.#parts;
    try {
      const answer = await (mode === 'in' ? api.signIn({ email, password }) : api.signUp({ email, password }));
      if ('challenge' in answer) this.#show({ face: 'second', challenge: answer.challenge });
      else if ('mail' in answer) this.#show({ face: 'sent', email });
    } catch (error) {
      page.signIn.failed(asShown(error));
    }
  }

  /** Another card, with what the one before knew. @param {DoorState['face']|null} face null for the card to sign in */
  #turn(face) {
    const { door } = this.#parts.holder.state;
    this.#show(face && { ...door, face });
  }

  /** @param {{face: DoorState['face'], values: Record<string, string>}} step */
  async #step({ face, values }) {
    const door = this.#parts.holder.state.door;
    try {
      await this.#do(face, values, door ?? { face });
    } catch (error) {
      // Whoever has gone to another card meanwhile does not want to hear of this one.
      if (this.#parts.holder.state.door === door) this.#failed(asShown(error));
    }
  }

  /** @param {DoorState['face']} face @param {Record<string, string>} values @param {DoorState} door */
  async #do(face, values, { challenge = '', token = '' }) {
    const { api } = this.#parts;
    if (face === 'second' || face === 'recovery') this.#entered(await api.enter('/auth/login/second', { challenge, code: values['code'] }));
    else if (face === 'signup') this.#entered(await api.enter('/auth/signup/confirm', { token }));
    else if (face === 'forgot') await this.#forgot(values['email'] ?? '');
    else if (face === 'reset') await this.#reset(token, values['new_password'] ?? '');
    else if (face === 'email') await this.#confirmEmail(token);
  }

  /** @param {Awaited<ReturnType<import('../net/api.js').Api['enter']>>} answer */
  #entered(answer) {
    if (!('user' in answer)) return;
    this.#awaited = answer.user.id;
    this.#letIn();
  }

  #letIn() {
    const { state } = this.#parts.holder;
    if (!this.#awaited || state.user?.id !== this.#awaited) return;
    this.#awaited = '';
    this.#show(null);
  }

  /** @param {string} email */
  async #forgot(email) {
    await this.#parts.api.open('POST', '/auth/password/forgot', { email });
    this.#show({ face: 'forgotten', email });
  }

  /** @param {string} token @param {string} password */
  async #reset(token, password) {
    const { api, holder } = this.#parts;
    await api.open('POST', '/auth/password/reset', { token, new_password: password });
    // Whoever is signed in here may be somebody else; if not, the server says now that this sign-in has ended.
    if (holder.state.account === 'in') await api.refresh().catch(() => {});
    this.#show(null);
    if (holder.state.account !== 'in') this.#say('Your password is changed. Sign in with it.');
  }

  /** @param {string} token */
  async #confirmEmail(token) {
    const { api, holder } = this.#parts;
    const user = await api.open('POST', '/auth/email/confirm', { token });
    this.#show(null);
    if (holder.state.user?.id === user.id) holder.dispatch({ type: 'local.signed_in', user });
    else if (holder.state.account !== 'in') this.#say('Your e-mail is changed. Sign in with it.');
  }

  /** @param {import('../net/faults.js').Fault} fault */
  #failed(fault) {
    if (fault.code !== 'challenge_expired') return this.#parts.page.door.failed(fault);
    this.#show(null);
    this.#say(fault.message);
  }

  /** @param {DoorState|null} door */
  #show(door) {
    this.#parts.holder.dispatch({ type: 'local.door', door });
  }

  /** @param {string} notice */
  #say(notice) {
    this.#parts.holder.dispatch({ type: 'local.notice', notice });
  }
}

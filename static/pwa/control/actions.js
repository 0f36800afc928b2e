/** What each action of the elements (`chat-*` events) does. One line each; the doing is elsewhere. */
import { leafBelow } from '../core/tree.js';
import { isLive } from '../core/protocol.js';
import { isUnsent } from '../core/state.js';
import { confirm, openMenu } from '../elements/menu.js';
import { setTheme, theme } from '../elements/theme.js';
import { asShown } from '../net/faults.js';
import { Announcer } from './announcer.js';
import { uuid } from './outbox.js';

/**
 * @typedef {{page: import('../elements/zg-app.js').App, holder: import('./holder.js').Holder, api: import('../net/api.js').Api,
 *            line: import('./fallback.js').Line, account: import('./account.js').Account, list: import('./list.js').List,
 *            conversation: import('./conversation.js').Conversation, outbox: import('./outbox.js').Outbox,
 *            router: import('./router.js').Router, settings: import('./settings.js').Settings,
 *            older: import('./older.js').Older}} Parts
 */

export class Actions {
  #parts;
  /** What is typed and not sent, by session. @type {Map<string, string>} */
  #drafts = new Map();

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  attach() {
    const { page, list, older, outbox, line, holder } = this.#parts;
    /** @type {Record<string, (detail: any) => unknown>} */
    const actions = {
      'open': ({ id }) => this.#go(id),
      'new': () => this.#go(null),
      'send': ({ text }) => this.#send(text),
      'edit': ({ message, text }) => outbox.add({ session_id: message.session_id, text, message_id: message.id, parent_id: message.parent_id }),
      'stop': () => this.#stop(),
      'retry': ({ id }) => this.#command('run.regenerate', { message_id: id }),
      'resend': ({ id }) => outbox.resend(id),
      'reword': ({ id }) => this.#reword(id),
      'drop': ({ client_id }) => outbox.drop(client_id),
      'connect': () => line.nudge(),
      'version': ({ id }) => holder.dispatch({ type: 'local.leaf', leaf: leafBelow(holder.state.open?.messages ?? {}, id) }),
      'rename': ({ id, title }) => list.rename(id, title),
      'more': () => list.loadMore(),
      'all': () => list.loadAll(),
      'older': () => older.load(),
      'session-menu': ({ id, button }) => this.#sessionMenu(id, button),
      'account-menu': ({ button }) => this.#accountMenu(button),
    };
    for (const [name, run] of Object.entries(actions)) {
      page.addEventListener(`chat-${name}`, (event) => run(/** @type {CustomEvent} */ (event).detail));
    }
    holder.onChange((state, before) => this.#swapDraft(state, before));
    new Announcer(holder, page).attach();
  }

  /** @param {string|null} id */
  async #go(id) {
    await this.#parts.router.go(id);
    // A double click that opens a chat also renames it: its field keeps the focus.
    const renaming = document.activeElement?.matches('.rename');
    if (!renaming && matchMedia('(hover: hover)').matches) this.#parts.page.conversation.focusComposer();
  }

  /**
   * Each session has its own draft, whichever way it is left: by a click, by the browser's back, or from elsewhere.
   * @param {import('../core/state.js').State} state
   * @param {import('../core/state.js').State} before
   */
  #swapDraft(state, before) {
    if (state.account !== 'in') return this.#drafts.clear();
    const [from, to] = [before.open?.id ?? '', state.open?.id ?? ''];
    // A new chat that gets its first message, and then its real id, is the same chat.
    const same = (from === '' && isUnsent(to)) || (isUnsent(from) && state.open?.messages === before.open?.messages);
    if (from === to || same) return;
    const { conversation } = this.#parts.page;
    this.#drafts.set(from, conversation.draft);
    conversation.draft = this.#drafts.get(to) ?? '';
    this.#drafts.delete(to);
  }

  #where() {
    return this.#parts.holder.state.open?.id ?? '';
  }

  /** @param {string} text */
  #send(text) {
    const { holder, outbox, router } = this.#parts;
    if (!holder.state.open) router.begin(`new:${uuid()}`);
    outbox.add({ session_id: this.#where(), text });
  }

  /** What the server does not take goes back to where it can be changed. @param {string} clientId */
  #reword(clientId) {
    const { holder, outbox, page } = this.#parts;
    const entry = holder.state.outbox.find((other) => other.client_id === clientId);
    if (!entry) return;
    page.conversation.draft = [entry.text, page.conversation.draft].filter(Boolean).join('\n');
    outbox.drop(clientId);
    page.conversation.focusComposer();
  }

  async #stop() {
    const live = Object.values(this.#parts.holder.state.open?.runs ?? {}).filter((run) => isLive(run.status));
    for (const run of live) await this.#command('run.stop', { run_id: run.run_id });
  }

  /**
   * @param {string} type
   * @param {object} fields
   */
  async #command(type, fields) {
    const { line, holder } = this.#parts;
    try {
      await line.command(type, fields);
    } catch (error) {
      const fault = asShown(error);
      if (holder.state.account === 'in') holder.dispatch({ type: 'local.notice', notice: fault.code === 'network' ? 'There is no connection. Try again when it is back.' : fault.message, again_at: fault.againAt });
    }
  }

  /** @param {string} id @param {HTMLElement} button */
  #sessionMenu(id, button) {
    openMenu(button, [
      { label: 'Rename', icon: 'edit', run: () => this.#rename(id) },
      { label: 'Delete', icon: 'trash', tone: 'fail', run: () => this.#delete(id) },
    ]);
  }

  /** @param {string} id */
  #rename(id) {
    const { page } = this.#parts;
    if (matchMedia('(max-width: 52rem)').matches) page.drawer = true;
    page.list.rename(id);
  }

  /** @param {string} id */
  async #delete(id) {
    const { list, router, holder } = this.#parts;
    const title = holder.state.list.byId[id]?.title || 'New chat';
    if (!(await confirm({ title: 'Delete this chat?', text: `“${title}” and its messages will be gone on all your devices.`, yes: 'Delete' }))) return;
    if (holder.state.open?.id === id) await router.go(null);
    await list.remove(id);
  }

  #signOut() {
    this.#parts.router.go(null);
    return this.#parts.account.signOut();
  }

  /** @param {HTMLElement} button */
  #accountMenu(button) {
    const { settings } = this.#parts;
    const now = theme();
    const themes = /** @type {const} */ ([['auto', 'Theme of the system', 'auto'], ['light', 'Light', 'sun'], ['dark', 'Dark', 'moon']]);
    openMenu(button, [
      { label: 'Account', icon: 'person', run: () => settings.open(button) },
      ...themes.map(([name, label, icon]) => ({ label, icon, checked: now === name, run: () => setTheme(name) })),
      { label: 'Sign out', icon: 'leave', run: () => this.#signOut() },
    ]);
  }
}

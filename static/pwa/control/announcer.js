/** Tells screen readers that an answer is finished, once, instead of every piece of it. */

const SPOKEN_CHARS = 300;

export class Announcer {
  #holder;
  #page;

  /**
   * @param {import('./holder.js').Holder} holder
   * @param {import('../elements/zg-app.js').App} page
   */
  constructor(holder, page) {
    this.#holder = holder;
    this.#page = page;
  }

  attach() {
    this.#holder.onChange((state, before) => {
      const ended = Object.values(before.open?.runs ?? {}).find((run) => state.open?.id === before.open?.id && !state.open?.runs[run.run_id]);
      const message = ended && state.open?.messages[ended.message_id];
      if (message?.run?.status === 'completed') this.#page.conversation.announce(`Answer finished. ${message.text.slice(0, SPOKEN_CHARS)}`);
    });
  }
}

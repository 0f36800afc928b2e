/**
 * Server-Sent Events out of pieces of text, cut anywhere (HTML Living Standard §9.2.6). Pure; where the text comes from
 * is net/events.js.
 *
 * @typedef {{type: string, id: string, data: string}} SentEvent
 */

const LINE_END = /\r\n|\r|\n/;
/** An event may carry a whole long answer; a line without an end that is longer than this is no event stream. */
export const LONGEST_CHARS = 16 * 1024 * 1024;

export class SseParser {
  #rest = '';
  #type = '';
  #id = '';
  /** @type {string[]} */
  #data = [];

  /** The id of the last whole event: what `Last-Event-ID` says. */
  get lastId() {
    return this.#id;
  }

  /** @param {string} [lastId] where the stream goes on */
  constructor(lastId = '') {
    this.#id = this.#nextId = lastId;
  }

  #nextId;

  /**
   * @param {string} text the next piece
   * @returns {SentEvent[]} the events that are whole with it, in order
   */
  push(text) {
    const lines = (this.#rest + text).split(LINE_END);
    const cut = lines.pop() ?? '';
    // A piece that ends between CR and LF: the end of that line is known with the next piece only.
    this.#rest = text.endsWith('\r') ? `${lines.pop() ?? ''}\r` : cut;
    if (this.#rest.length > LONGEST_CHARS) throw new RangeError('This is no event stream: a line has no end.');
    return lines.flatMap((line) => this.#line(line) ?? []);
  }

  /** @param {string} line @returns {SentEvent|null} */
  #line(line) {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return null;
    const [field, value] = colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1))];
    if (field === 'event') this.#type = value;
    else if (field === 'data') this.#data.push(value);
    else if (field === 'id' && !value.includes('\0')) this.#nextId = value;
    return null;
  }

  /** @returns {SentEvent|null} */
  #dispatch() {
    const event = { type: this.#type || 'message', id: this.#nextId, data: this.#data.join('\n') };
    const whole = this.#data.length > 0;
    this.#id = this.#nextId;
    this.#type = '';
    this.#data = [];
    return whole ? event : null;
  }
}

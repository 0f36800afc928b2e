/**
 * The one line of the page to the server: over the socket, and over plain requests while something on the way breaks
 * sockets. Nobody else knows which of the two it is. Both have the same interface (tests/js/net/line.test.js).
 *
 * @typedef {import('../core/state.js').Detour} Detour
 * @typedef {import('../net/socket.js').Socket} Socket
 * @typedef {import('../net/requests.js').Requests} Requests
 */

/** One failure may be chance; two in a row, each with a server that answers requests, are not. */
const REFUSALS = 2;

export class Line extends EventTarget {
  #socket;
  #requests;
  #reachable;
  #wanted = false;
  #refusals = 0;
  /** @type {Detour|null} */
  #detour = null;

  /**
   * Fires `phase`, `event`, `missed` and `left` of the way that is in use (see socket.js, requests.js), and `detour`
   * (detail: why the socket is not in use, or null) when the way changes.
   * @param {{socket: Socket, requests: Requests, reachable: () => Promise<boolean>}} parts
   *   `reachable`: whether the server answers a plain request at this moment
   */
  constructor({ socket, requests, reachable }) {
    super();
    this.#socket = socket;
    this.#requests = requests;
    this.#reachable = reachable;
    for (const name of ['event', 'missed', 'left']) for (const way of [socket, requests]) way.addEventListener(name, (told) => this.#tell(name, detailOf(told)));
    socket.addEventListener('phase', (told) => this.#socketIs(detailOf(told)));
    socket.addEventListener('refused', (told) => this.#refused(detailOf(told)));
    requests.addEventListener('phase', (told) => this.#detour && this.#tell('phase', detailOf(told)));
    requests.addEventListener('held', (told) => this.#detour && this.#turn({ ...this.#detour, held: detailOf(told) }));
  }

  get ready() {
    return this.#way.ready;
  }

  start() {
    this.#wanted = true;
    this.#socket.start();
  }

  stop() {
    this.#wanted = false;
    this.#endDetour();
    this.#socket.stop();
  }

  /** The page is visible again, the network is back, or the person asks: both ways are tried at once. */
  nudge() {
    this.#socket.nudge();
    if (this.#detour) this.#requests.nudge();
  }

  /** The network went away. */
  cut() {
    this.#socket.cut();
    this.#requests.cut();
  }

  /**
   * @param {string} type
   * @param {object} [fields]
   * @returns {Promise<any>}
   */
  command(type, fields) {
    return this.#way.command(type, fields);
  }

  renew() {
    return this.#way.renew();
  }

  get #way() {
    return this.#detour ? this.#requests : this.#socket;
  }

  /** @param {string} phase */
  #socketIs(phase) {
    if (phase === 'online') this.#straightOn();
    else if (!this.#detour) this.#tell('phase', phase);
  }

  /** The socket is there. What was asked on the detour fails first, so that all of it is asked again here. */
  #straightOn() {
    this.#refusals = 0;
    if (!this.#detour) return this.#tell('phase', 'online');
    this.#endDetour();
    setTimeout(() => this.#socket.ready && this.#tell('phase', 'online'));
  }

  /** A server that is away refuses everything: that is no reason for a detour. @param {Detour['why']} why */
  async #refused(why) {
    if (this.#detour) return;
    const reachable = await this.#reachable();
    if (this.#detour || !this.#wanted || this.#socket.ready) return;
    this.#refusals = reachable ? this.#refusals + 1 : 0;
    if (this.#refusals >= REFUSALS) this.#beginDetour(why);
  }

  /** @param {Detour['why']} why */
  #beginDetour(why) {
    this.#turn({ why, held: this.#requests.whole });
    this.#socket.patient = true;
    this.#requests.start();
  }

  #endDetour() {
    if (!this.#detour) return;
    this.#turn(null);
    this.#requests.stop();
    this.#socket.patient = false;
    this.#refusals = 0;
  }

  /** @param {Detour|null} detour */
  #turn(detour) {
    this.#detour = detour;
    this.#tell('detour', detour);
  }

  /** @param {string} name @param {unknown} detail */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** @param {Event} told */
function detailOf(told) {
  return /** @type {CustomEvent} */ (told).detail;
}

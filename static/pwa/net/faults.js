/** Faults as the rest of the page sees them, whether they came over HTTP, the socket, or from no network at all. */

export class Fault extends Error {
  /**
   * @param {string} code stable, as the server's; `network` and `timeout` are made here
   * @param {string} message words for the person
   * @param {{retryable?: boolean, retryAfterMs?: number|null, status?: number, fields?: {field: string, message: string}[]}} [detail]
   */
  constructor(code, message, { retryable = false, retryAfterMs = null, status = 0, fields = [] } = {}) {
    super(message);
    this.name = 'Fault';
    this.code = code;
    this.retryable = retryable;
    this.retryAfterMs = retryAfterMs;
    this.againAt = retryAfterMs === null ? null : Date.now() + retryAfterMs;
    this.status = status;
    this.fields = fields;
  }
}

/** @param {string} [message] */
export function networkFault(message = 'The server cannot be reached. Try again in a moment.') {
  return new Fault('network', message, { retryable: true });
}

/**
 * @param {unknown} error
 * @returns {Fault}
 */
export function asFault(error) {
  if (error instanceof Fault) return error;
  return new Fault('internal', error instanceof Error ? error.message : String(error));
}

/**
 * A fault for a person to read. What is none is a mistake of this page: that is told where such are, not passed off as
 * an answer of the server.
 * @param {unknown} error
 * @returns {Fault}
 */
export function asShown(error) {
  if (!(error instanceof Fault)) globalThis.reportError?.(error);
  return asFault(error);
}

/**
 * @param {unknown} error
 * @returns {import('../core/protocol.js').RunError}
 */
export function asRunError(error) {
  const { code, message, retryable, againAt } = asFault(error);
  return { code, message, retryable, again_at: againAt };
}

/**
 * The names and shapes that the server and this page agree on (docs/protocol.md). Types and pure predicates; no I/O.
 *
 * @typedef {{id: string, email: string|null, name: string, kind: string, role: string, created_at: string, revision: number}} User
 * @typedef {{id: string, title: string, created_at: string, updated_at: string, revision: number, user_revision: number, leaf_id: string|null}} Session
 * @typedef {'queued'|'streaming'|'completed'|'stopped'|'failed'} RunStatus
 * @typedef {{code: string, message: string, retryable: boolean, again_at?: number|null}} RunError `again_at`: when to try again, by this device's clock
 * @typedef {{id: string, status: RunStatus, epoch: number, error: RunError|null, usage: object|null,
 *            ends: Record<string, number>|null, sha256: Record<string, string>|null}} RunRecord
 * @typedef {{id: string, session_id: string, parent_id: string|null, role: 'user'|'assistant'|'system', text: string,
 *            reasoning: string, client_id: string|null, model: string|null, revision: number, created_at: string,
 *            run: RunRecord|null}} Message
 * @typedef {'text'|'reasoning'} PartName
 * @typedef {{run_id: string, part: PartName, epoch: number, offset: number}} Position
 * @typedef {{run_id: string, message_id: string, status: RunStatus, epoch: number, place: number|null}} LiveRun
 * @typedef {{session: Session, revision: number, messages: Message[], deleted: string[], runs: LiveRun[],
 *            more: boolean, before?: string|null}} Opened
 * @typedef {{session_id: string, message_id: string, run_id: string}} Sent
 * @typedef {{name: string, version: string, model: {id: string, name: string, about: string},
 *            prompts: {title: string, text: string}[], limits: {message_bytes: number}, signup: boolean, mail: boolean}} AppInfo
 * @typedef {{type: 'run.delta', session_id: string, run_id: string, message_id: string, part: PartName, epoch: number,
 *            at: number, end: number, text: string}} RunDelta
 * @typedef {{type: 'run.completed', session_id: string, run_id: string, message_id: string, status: RunStatus,
 *            ends: Record<string, number>, sha256: Record<string, string>, usage: object|null, error: RunError|null,
 *            message: Message, revision: number}} RunCompleted
 * @typedef {{type: 'message.created', session_id: string, revision: number, message: Message}
 *         | {type: 'message.deleted', session_id: string, message_id: string, revision: number}
 *         | {type: 'session.updated', session: Session, user_revision: number}
 *         | {type: 'session.deleted', session_id: string, user_revision: number}
 *         | {type: 'run.queued', session_id: string, run_id: string, message_id: string, place: number}
 *         | {type: 'run.started', session_id: string, run_id: string, message_id: string, epoch: number, model: string}
 *         | {type: 'run.reset', session_id: string, run_id: string, message_id: string, epoch: number}
 *         | RunDelta | RunCompleted} ServerEvent
 */

export const PROTOCOL_VERSION = 1;
export const HOLDS_PER_OPEN = 16;
export const CLOSE_AUTH_EXPIRED = 4401;
/** This sign-in has ended; the browser may hold another one by now. */
export const CLOSE_LOGIN_ENDED = 4501;

/** What the server tells about sessions and runs; `ok`, `error` and `auth.expiring` belong to the socket itself. */
export const EVENT_TYPES = Object.freeze([
  'message.created',
  'message.deleted',
  'session.updated',
  'session.deleted',
  'run.queued',
  'run.started',
  'run.delta',
  'run.reset',
  'run.completed',
]);

/**
 * What a close code asks of the client.
 * @param {number} code
 * @returns {'return'|'refresh'|'leave'}
 */
export function closeMeaning(code) {
  if (code === CLOSE_AUTH_EXPIRED) return 'refresh';
  return code >= 4500 && code <= 4999 ? 'leave' : 'return';
}

/**
 * Whether a close code can only have come from the server itself: then nothing on the way broke the connection.
 * @param {number} code
 */
export function isOfServer(code) {
  return code === 1012 || code === 1013 || code >= 4000;
}

/**
 * `retry_after_ms` from a close reason such as `{"retry_after_ms":1200}`; null for any other reason.
 * @param {string} reason
 * @returns {number|null}
 */
export function retryAfter(reason) {
  try {
    const value = JSON.parse(reason)?.retry_after_ms;
    return Number.isFinite(value) && value >= 0 ? value : null;
  } catch {
    return null;
  }
}

/** @param {RunStatus|undefined} status */
export function isLive(status) {
  return status === 'queued' || status === 'streaming';
}

/**
 * What the page knows, as one immutable value. Shapes and the empty state; how it changes is in the reduce_* files.
 *
 * @typedef {import('./protocol.js').User} User
 * @typedef {import('./protocol.js').Session} Session
 * @typedef {import('./protocol.js').Message} Message
 * @typedef {import('./protocol.js').AppInfo} AppInfo
 * @typedef {import('./protocol.js').RunStatus} RunStatus
 * @typedef {import('./protocol.js').RunError} RunError
 * @typedef {import('./protocol.js').PartName} PartName
 * @typedef {import('./positions.js').HeldPart} HeldPart
 *
 * @typedef {{run_id: string, message_id: string, status: RunStatus, epoch: number, place: number|null,
 *            parts: Record<PartName, HeldPart>}} Run
 *   A run that has not ended, with what is held of its parts.
 * @typedef {{more: boolean, before: string|null, status: 'idle'|'loading'|'failed'}} Older
 *   Whether the server has messages above the oldest loaded one, and the cursor of the next page (null: not known yet).
 * @typedef {{id: string, status: 'loading'|'ready'|'missing', session: Session|null, revision: number, seen: number,
 *            messages: Record<string, Message>, older: Older, runs: Record<string, Run>, leaf: string|null,
 *            behind: boolean}} OpenSession
 *   The session on screen. `revision` is held without a gap; `seen` is the highest one heard of; `behind` says that
 *   something was missed and the server has to be asked; `leaf` is a branch chosen here, null means the session's own.
 * @typedef {{byId: Record<string, Session>, revision: number, ready: boolean, next: string|null, behind: boolean}} SessionList
 * @typedef {{client_id: string, session_id: string, message_id: string|null, parent_id: string|null, text: string,
 *            created_at: string, state: 'waiting'|'sending'|'sent'|'failed', error: RunError|null}} OutboxEntry
 *   A message that the server has not acknowledged. `session_id` is `new:<uuid>` until the server has made the
 *   session; `message_id` is the question that this one edits, null for a new one.
 * @typedef {'idle'|'connecting'|'online'|'waiting'|'offline'} Phase
 * @typedef {{why: 'refused'|'silent'|'cut', held: boolean}} Detour
 *   Why the page talks by plain requests: no WebSocket was let through, none was answered, or each was cut before its
 *   first word. `held`: something on the way passes only whole answers, so that text comes in pieces.
 * @typedef {{face: 'second'|'recovery'|'forgot'|'forgotten'|'sent'|'signup'|'reset'|'email', challenge?: string, token?: string, email?: string}} Door
 *   A card around signing in that is shown instead of anything else: what it is about, and what it has to send with it.
 * @typedef {{account: 'unknown'|'out'|'in', door: Door|null, user: User|null, app: AppInfo|null, phase: Phase, detour: Detour|null, connected_before: boolean,
 *            list: SessionList, open: OpenSession|null, outbox: OutboxEntry[], notice: string|null, again_at: number|null, ignored: number,
 *            help: {session_id: string, text: string}|null}} State
 *   `notice` is a fault of the last action that belongs to no message, `again_at` when to try it again; `ignored` counts events of unknown type;
 *   `help` is what the server wants the writer of a message to read beside its answer.
 */
import { NOTHING_OLDER } from './reduce_older.js';

/** @type {SessionList} */
export const EMPTY_LIST = Object.freeze({ byId: {}, revision: 0, ready: false, next: null, behind: false });

/** @type {State} */
export const EMPTY_STATE = Object.freeze({
  account: 'unknown',
  door: null,
  user: null,
  app: null,
  phase: 'idle',
  detour: null,
  connected_before: false,
  list: EMPTY_LIST,
  open: null,
  outbox: [],
  notice: null,
  again_at: null,
  ignored: 0,
  help: null,
});

/**
 * @param {string} id
 * @returns {OpenSession}
 */
export function emptyOpen(id) {
  return { id, status: 'loading', session: null, revision: 0, seen: 0, messages: {}, older: NOTHING_OLDER, runs: {}, leaf: null, behind: false };
}

/** A session that exists only here so far has an id of this form. @param {string} id */
export function isUnsent(id) {
  return id.startsWith('new:');
}

/**
 * The same record without some keys.
 * @template T
 * @param {Record<string, T>} record
 * @param {string[]} keys
 * @returns {Record<string, T>}
 */
export function without(record, keys) {
  const copy = { ...record };
  for (const key of keys) delete copy[key];
  return copy;
}

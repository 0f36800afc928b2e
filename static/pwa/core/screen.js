/**
 * What the conversation shows, row by row, from the state. Pure. A row's key stays the same from the optimistic
 * message to the server's one, so its element stays too.
 *
 * @typedef {import('./state.js').State} State
 * @typedef {import('./state.js').Run} Run
 * @typedef {import('./state.js').OutboxEntry} OutboxEntry
 * @typedef {import('./protocol.js').Message} Message
 * @typedef {{key: string, role: 'user'|'assistant', text: string, reasoning: string, message: Message|null, run: Run|null,
 *            pending: OutboxEntry|null, versions: string[], name: string, last: boolean}} Row
 *   `versions` are the ids of all versions of this turn, oldest first; empty while there is only one.
 */
import { pendingOf } from './reduce_outbox.js';
import { versionsOf, visibleBranch } from './tree.js';

/**
 * @param {State} state
 * @returns {Row[]}
 */
export function rowsOf(state) {
  const open = state.open;
  if (!open) return [];
  const pending = pendingOf(state);
  const branch = cutAtEdit(visibleBranch(open.messages, open.leaf ?? open.session?.leaf_id ?? null), pending);
  const versions = versionsOf(open.messages);
  const runs = new Map(Object.values(open.runs).map((run) => [run.message_id, run]));
  const rows = branch.map((message) => messageRow(message, runs.get(message.id) ?? null, versions(message), state));
  rows.push(...pending.map(pendingRow));
  const last = rows.at(-1);
  if (last) last.last = true;
  return rows;
}

/**
 * An edit on its way takes the place of what it edits and of what came after it.
 * @param {Message[]} branch
 * @param {OutboxEntry[]} pending
 */
function cutAtEdit(branch, pending) {
  const edited = new Set(pending.map((entry) => entry.message_id).filter(Boolean));
  const cut = branch.findIndex((message) => edited.has(message.id));
  return cut < 0 ? branch : branch.slice(0, cut);
}

/**
 * @param {Message} message
 * @param {Run|null} run
 * @param {string[]} versions
 * @param {State} state
 * @returns {Row}
 */
function messageRow(message, run, versions, state) {
  return {
    key: message.client_id ?? message.id,
    role: message.role === 'user' ? 'user' : 'assistant',
    text: run ? run.parts.text.text : message.text,
    reasoning: run ? run.parts.reasoning.text : message.reasoning,
    message,
    run,
    pending: null,
    versions,
    name: nameOf(message.model, state),
    last: false,
  };
}

/**
 * The model's name for people: messages carry its id.
 * @param {string|null} model
 * @param {State} state
 */
export function nameOf(model, { app }) {
  return (!model || model === app?.model.id ? app?.model.name : model) ?? 'The model';
}

/**
 * @param {OutboxEntry} entry
 * @returns {Row}
 */
function pendingRow(entry) {
  return { key: entry.client_id, role: 'user', text: entry.text, reasoning: '', message: null, run: null, pending: entry, versions: [], name: '', last: false };
}

/**
 * The last question that can be edited: acknowledged, and the person's own.
 * @param {Row[]} rows
 * @returns {Row|null}
 */
export function lastQuestion(rows) {
  return rows.findLast((row) => row.role === 'user' && row.message) ?? null;
}

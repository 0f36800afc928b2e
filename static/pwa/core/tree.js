/**
 * The messages of a session as a tree, and the one branch of it that is on screen. Pure.
 *
 * @typedef {import('./protocol.js').Message} Message
 * @typedef {Record<string, Message>} Messages
 */

/**
 * From the first message to the leaf. A missing or unknown leaf means the newest message; a parent that is not held
 * ends the walk, so a partly loaded session still shows its end.
 * @param {Messages} messages
 * @param {string|null} leafId
 * @returns {Message[]}
 */
export function visibleBranch(messages, leafId) {
  const leaf = (leafId && messages[leafId]) || newest(Object.values(messages));
  /** @type {Message[]} */
  const branch = [];
  const seen = new Set();
  for (let at = leaf; at && !seen.has(at.id); at = at.parent_id ? messages[at.parent_id] : undefined) {
    seen.add(at.id);
    branch.push(at);
  }
  return branch.reverse();
}

/**
 * Looks up the versions of a turn (children of the same parent in the same role), oldest first; none for a turn that
 * has only one. Groups all messages once.
 * @param {Messages} messages
 * @returns {(message: Message) => string[]}
 */
export function versionsOf(messages) {
  /** @type {Map<string, string[]>} */
  const groups = new Map();
  for (const message of Object.values(messages).sort(byAge)) {
    const key = groupKey(message);
    groups.set(key, [...(groups.get(key) ?? []), message.id]);
  }
  return (message) => {
    const group = groups.get(groupKey(message)) ?? [];
    return group.length < 2 ? [] : group;
  };
}

/** @param {Message} message */
function groupKey(message) {
  return `${message.parent_id} ${message.role}`;
}

/**
 * The end of the branch that goes through `id`, following the newest child each time.
 * @param {Messages} messages
 * @param {string} id
 * @returns {string}
 */
export function leafBelow(messages, id) {
  /** @type {Map<string|null, Message>} */
  const newestChild = new Map();
  for (const message of Object.values(messages).sort(byAge)) newestChild.set(message.parent_id, message);
  let leaf = id;
  for (let child = newestChild.get(leaf); child; child = newestChild.get(leaf)) leaf = child.id;
  return leaf;
}

/**
 * Ids are UUIDv7: their order is the order of making.
 * @param {Message} a
 * @param {Message} b
 */
function byAge(a, b) {
  return a.created_at === b.created_at ? (a.id < b.id ? -1 : 1) : a.created_at < b.created_at ? -1 : 1;
}

/**
 * @param {Message[]} messages
 * @returns {Message|undefined}
 */
function newest(messages) {
  return [...messages].sort(byAge).at(-1);
}

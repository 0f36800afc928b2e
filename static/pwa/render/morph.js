/** Changes a DOM tree into another one by touching only what differs, so that selection, focus and scroll stay. */

/**
 * Makes the children of `target` from `from` on equal to `wanted`. Equal subtrees keep their nodes.
 * @param {Node} target
 * @param {Node[]} wanted
 * @param {number} [from]
 */
export function morphChildren(target, wanted, from = 0) {
  wanted.forEach((node, index) => {
    const held = target.childNodes[from + index];
    if (!held) target.appendChild(node);
    else morphNode(target, held, node);
  });
  while (target.childNodes.length > from + wanted.length) target.removeChild(/** @type {Node} */ (target.lastChild));
}

/**
 * @param {Node} parent
 * @param {ChildNode} held
 * @param {Node} wanted
 */
function morphNode(parent, held, wanted) {
  if (held.isEqualNode(wanted)) return;
  if (held.nodeType === 3 && wanted.nodeType === 3) growText(/** @type {Text} */ (held), wanted.nodeValue ?? '');
  else if (isSameElement(held, wanted)) morphChildren(held, [...wanted.childNodes]);
  else parent.replaceChild(wanted, held);
}

/**
 * Appending keeps a selection inside the text; setting the value would move it.
 * @param {Text} held
 * @param {string} wanted
 */
function growText(held, wanted) {
  if (wanted.startsWith(held.data)) held.appendData(wanted.slice(held.data.length));
  else held.data = wanted;
}

/**
 * @param {Node} a
 * @param {Node} b
 */
function isSameElement(a, b) {
  if (a.nodeType !== 1 || b.nodeType !== 1 || a.nodeName !== b.nodeName) return false;
  const first = /** @type {Element} */ (a);
  const second = /** @type {Element} */ (b);
  return first.attributes.length === second.attributes.length && [...first.attributes].every(({ name, value }) => second.getAttribute(name) === value);
}

/**
 * What rendered Markdown gets on this page beyond its tags: code in a frame with its language and a copy button, tables
 * that scroll by themselves, links that show where they lead. Works on nodes, never on HTML strings.
 */

const LINK_PROTOCOLS = ['http:', 'https:', 'mailto:'];

/**
 * @param {DocumentFragment} fragment
 * @param {string} origin of this page
 * @returns {Element[]} one element for each top-level block
 */
export function decorate(fragment, origin) {
  for (const link of fragment.querySelectorAll('a')) decorateLink(link, origin);
  for (const pre of fragment.querySelectorAll('pre')) frameCode(pre);
  for (const table of fragment.querySelectorAll('table')) wrap(table, 'table-scroll');
  return [...fragment.children];
}

/**
 * A link leads to another site, in a new tab, without telling it where from; it names the host unless its words are
 * the address already. A link to this very origin is the model's invention and stays plain text.
 * @param {HTMLAnchorElement} link
 * @param {string} origin
 */
function decorateLink(link, origin) {
  const url = parseUrl(link.getAttribute('href') ?? '');
  if (!url || !LINK_PROTOCOLS.includes(url.protocol) || url.origin === origin) {
    link.replaceWith(...link.childNodes);
    return;
  }
  link.setAttribute('rel', 'noopener noreferrer nofollow');
  link.setAttribute('target', '_blank');
  if (url.protocol === 'mailto:' || namesHost(link.textContent ?? '', url)) return;
  const host = element(link, 'span', 'link-host');
  host.textContent = url.host;
  link.append(' ', host);
}

/**
 * @param {string} words
 * @param {URL} url
 */
function namesHost(words, url) {
  const told = parseUrl(words.includes('://') ? words : `https://${words}`);
  return told !== null && told.host === url.host && told.username === '' && !/\s/.test(words.trim());
}

/** @param {Element} pre */
function frameCode(pre) {
  const code = pre.querySelector('code');
  const language = /language-([\w+#.-]+)/.exec(code?.className ?? '')?.[1] ?? '';
  const frame = wrap(pre, 'code');
  const head = element(pre, 'div', 'code-head');
  const name = element(pre, 'span', 'code-language');
  name.textContent = language || 'text';
  const copy = element(pre, 'button', 'text-button');
  copy.setAttribute('type', 'button');
  copy.setAttribute('data-action', 'copy-code');
  copy.textContent = 'Copy';
  head.append(name, copy);
  frame.prepend(head);
  pre.setAttribute('tabindex', '0');
}

/**
 * @param {Element} inner
 * @param {string} className
 */
function wrap(inner, className) {
  const outer = element(inner, 'div', className);
  inner.replaceWith(outer);
  outer.append(inner);
  return outer;
}

/**
 * @param {Element} near
 * @param {string} tag
 * @param {string} className
 */
function element(near, tag, className) {
  const made = near.ownerDocument.createElement(tag);
  made.className = className;
  return made;
}

/** @param {string} text */
function parseUrl(text) {
  try {
    return new URL(text.trim());
  } catch {
    return null;
  }
}

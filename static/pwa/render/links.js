/**
 * Links of an answer: which may be one at all, and where it says that it leads. Works on nodes of a fragment; what the
 * parser takes for a link is in markdown.js.
 */

const WEB_PROTOCOLS = ['http:', 'https:'];

/**
 * A link leads to another site, in a new tab, without telling it where from, and names its host unless its words are
 * the address already. A link to this very server is the model's invention and stays plain text: no answer gets to
 * choose what a click does here.
 * @param {HTMLAnchorElement} link
 * @param {string} origin of this page
 */
export function decorateLink(link, origin) {
  const url = parseUrl(link.getAttribute('href') ?? '');
  if (url?.protocol === 'mailto:') nameMail(link, url);
  else if (url && WEB_PROTOCOLS.includes(url.protocol) && !isOwn(url, new URL(origin))) nameHost(link, url);
  else link.replaceWith(...link.childNodes);
}

/**
 * A letter to an address and nothing more: a subject, a text or an attachment could carry the conversation off.
 * @param {HTMLAnchorElement} link
 * @param {URL} url
 */
function nameMail(link, url) {
  link.setAttribute('href', `mailto:${url.pathname}`);
  finish(link, (link.textContent ?? '').trim() === url.pathname ? '' : url.pathname);
}

/**
 * @param {HTMLAnchorElement} link
 * @param {URL} url
 */
function nameHost(link, url) {
  finish(link, namesHost(link.textContent ?? '', url) ? '' : url.host);
}

/**
 * @param {HTMLAnchorElement} link
 * @param {string} told beside its words
 */
function finish(link, told) {
  link.setAttribute('rel', 'noopener noreferrer nofollow');
  link.setAttribute('target', '_blank');
  if (told === '') return;
  const host = link.ownerDocument.createElement('span');
  host.className = 'link-host';
  host.textContent = told;
  link.append(' ', host);
}

/**
 * This server by any of its spellings: another scheme, a dot behind the name. Another port is another program.
 * @param {URL} url
 * @param {URL} page
 */
function isOwn(url, page) {
  return url.hostname.replace(/\.$/, '') === page.hostname && (url.port === page.port || url.port === '');
}

/**
 * Whether the words are an address on this host, letter by letter: a name in other scripts may look like any other, so
 * it is told as it goes over the wire (punycode).
 * @param {string} words
 * @param {URL} url
 */
function namesHost(words, url) {
  const told = parseUrl(words.includes('://') ? words : `https://${words}`);
  if (told === null || told.host !== url.host || told.username !== '' || /\s/.test(words.trim())) return false;
  return words.toLowerCase().includes(url.host);
}

/** @param {string} text */
function parseUrl(text) {
  try {
    return new URL(text.trim());
  } catch {
    return null;
  }
}

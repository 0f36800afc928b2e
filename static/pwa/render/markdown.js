/**
 * Markdown text to safe nodes, whole or while it grows. The only file that turns HTML text into nodes: through
 * DOMPurify, which parses with its own Trusted Types policy (`dompurify`) and hands back a fragment. HTML in the text is
 * shown as text; images become links, so that nothing is ever fetched for an answer.
 */
import '../vendor/dompurify.js';
import MarkdownIt from '../vendor/markdown-it.js';
import { stableBlocks } from './blocks.js';
import { decorate } from './decorate.js';
import { grammars, highlight } from './highlight.js';
import { morphChildren } from './morph.js';
import { settle } from './settle.js';
import { showUnseen } from './unseen.js';

const ALLOWED_TAGS = ['a', 'blockquote', 'br', 'code', 'em', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'hr', 'li', 'ol', 'p', 'pre', 's', 'span', 'strong', 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'ul'];
const ALLOWED_ATTR = ['href', 'class', 'start'];
const PURIFY = { ALLOWED_TAGS, ALLOWED_ATTR, ALLOW_DATA_ATTR: false, ALLOW_ARIA_ATTR: false, RETURN_DOM_FRAGMENT: true };

/** The sanitizer comes as a script that sets a global. */
const { DOMPurify } = /** @type {any} */ (globalThis);

/** Code shorter than this is rendered whole with each piece. */
const APPENDED_FROM_CHARS = 1500;
const OPEN_FENCE = /^`{3,}[^\n`]*\n/;

const parser = new MarkdownIt({ html: false, linkify: true, breaks: false, highlight });
parser.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });
parser.validateLink = (/** @type {string} */ url) => /^(https?:\/\/|mailto:)/i.test(url.trim());
parser.renderer.rules.image = imageAsLink;
parser.core.ruler.push('alignment', alignByClass);

export { grammars };

/** A text that grows in one element. Stable blocks are never touched again until the text is finished. */
export class GrowingMarkdown {
  #target;
  #text = '';
  #stableChars = 0;
  #stableBlocks = 0;
  /** Link definitions of the stable text. @type {Record<string, object>} */
  #references = {};
  /** Characters of code that were appended as plain text since the last rendering. */
  #appended = 0;

  /** @param {Element} target */
  constructor(target) {
    this.#target = target;
  }

  /** Shows `text`, which will grow. A text that does not begin with the one shown starts anew. @param {string} text */
  grow(text) {
    if (!text.startsWith(this.#text)) this.#restart();
    const added = text.slice(this.#text.length);
    this.#text = text;
    if (added === '' || this.#appendCode(added)) return;
    this.#appended = 0;
    const tail = settle(text.slice(this.#stableChars));
    const env = { references: { ...this.#references } };
    const tokens = parser.parse(tail, env);
    morphChildren(this.#target, nodesOf(tokens, env), this.#stableBlocks);
    this.#advance(text.slice(this.#stableChars));
  }

  /** Renders once more what is shown: a grammar has come. */
  refresh() {
    const text = this.#text;
    this.#restart();
    this.grow(text);
  }

  /** Shows `text` as final: exactly what rendering it at once gives, keeping every node that is right already. @param {string} text */
  finish(text) {
    this.#text = text;
    morphChildren(this.#target, renderMarkdown(text));
  }

  /**
   * Long code that still grows takes its new characters as plain text, and its colours again after every tenth more:
   * rendering it whole for each piece would cost more with every line.
   * @param {string} added
   * @returns {boolean} whether that was possible
   */
  #appendCode(added) {
    const length = this.#text.length - this.#stableChars;
    if (length < APPENDED_FROM_CHARS || /[`\r]/.test(added) || this.#appended + added.length > length / 10) return false;
    if (!OPEN_FENCE.test(this.#text.slice(this.#stableChars, this.#stableChars + 200))) return false;
    const code = this.#target.lastElementChild?.querySelector('pre > code');
    if (!code || this.#text.lastIndexOf('```') > this.#stableChars + 3) return false;
    this.#appended += added.length;
    if (code.lastChild?.nodeType === 3) /** @type {Text} */ (code.lastChild).appendData(showUnseen(added));
    else code.append(showUnseen(added));
    return true;
  }

  #restart() {
    this.#stableChars = 0;
    this.#stableBlocks = 0;
    this.#references = {};
    this.#text = '';
  }

  /** @param {string} tail the text after what is stable, as it came */
  #advance(tail) {
    const { blocks, chars } = stableBlocks(parser.parse(tail, { references: { ...this.#references } }), tail);
    if (blocks === 0) return;
    const env = { references: this.#references };
    parser.parse(tail.slice(0, chars), env);
    this.#stableBlocks += blocks;
    this.#stableChars += chars;
  }
}

/**
 * @param {string} text
 * @returns {Element[]} one element for each block
 */
export function renderMarkdown(text) {
  const env = {};
  return nodesOf(parser.parse(text, env), env);
}

/**
 * @param {object[]} tokens
 * @param {object} env
 */
function nodesOf(tokens, env) {
  const html = parser.renderer.render(tokens, parser.options, env);
  return decorate(DOMPurify.sanitize(html, PURIFY), location.origin);
}

/**
 * An image inside a link is its words alone: one link cannot hold another.
 * @param {any[]} tokens
 * @param {number} index
 */
function imageAsLink(tokens, index) {
  const token = tokens[index];
  const words = parser.utils.escapeHtml(token.content || 'image');
  const opened = tokens.slice(0, index).findLast(({ type }) => type === 'link_open' || type === 'link_close');
  if (opened?.type === 'link_open') return words;
  return `<a href="${parser.utils.escapeHtml(token.attrGet('src') ?? '')}">${words}</a>`;
}

/** The parser aligns cells with style attributes, which the page's policy forbids. @param {{tokens: any[]}} state */
function alignByClass({ tokens }) {
  for (const token of tokens) {
    const side = /text-align:(\w+)/.exec(token.attrGet?.('style') ?? '')?.[1];
    if (!side) continue;
    token.attrs = null;
    token.attrSet('class', `align-${side}`);
  }
}

/** A document for the render tests. Import it before anything that renders. */
import { JSDOM } from 'jsdom';

const { window } = new JSDOM('<!doctype html><body></body>', { url: 'https://chat.example/' });
Object.assign(globalThis, { window, document: window.document, location: window.location, Node: window.Node });

const { loadGrammar } = await import('../../../static/pwa/render/highlight.js');
for (const name of ['python', 'javascript', 'bash', 'xml']) await loadGrammar(name);

export const { renderMarkdown, GrowingMarkdown } = await import('../../../static/pwa/render/markdown.js');

/**
 * This document's parser makes a whole new document each time, at several milliseconds; thousands of steps reuse one.
 * What a single text becomes is tested with the real one.
 */
export function parseQuickly() {
  const page = document.implementation.createHTMLDocument('');
  window.DOMParser.prototype.parseFromString = (html) => {
    const body = page.createElement('body');
    body.innerHTML = html;
    page.documentElement.replaceChildren(body);
    return page;
  };
}

/** @param {string} text */
export function htmlOf(text) {
  const box = document.createElement('div');
  box.append(...renderMarkdown(text));
  return box.innerHTML;
}

/**
 * A text that grows by pieces.
 * @param {string[]} pieces
 * @param {(box: Element) => void} [look] called after each piece
 */
export function growing(pieces, look = () => {}) {
  const box = document.createElement('div');
  const markdown = new GrowingMarkdown(box);
  let text = '';
  const seen = [];
  for (const piece of pieces) {
    text += piece;
    markdown.grow(text);
    look(box);
    seen.push(box.innerHTML);
  }
  return { box, markdown, text, seen };
}

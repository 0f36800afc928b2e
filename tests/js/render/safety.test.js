/** What a model says stays text: nothing runs, nothing is loaded, links say where they lead. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { HOSTILE, NAUGHTY, THEMES } from '../support/corpus.js';
import { growing, htmlOf, parseQuickly, renderMarkdown } from '../support/dom.js';

const TAGS = new Set('A BLOCKQUOTE BR BUTTON CODE DIV EM H1 H2 H3 H4 H5 H6 HR LI OL P PRE S SPAN STRONG TABLE TBODY TD TH THEAD TR UL'.split(' '));
const ATTRIBUTES = new Set(['class', 'href', 'rel', 'target', 'start', 'type', 'data-action', 'tabindex']);

/** @param {Element} box */
function assertHarmless(box) {
  for (const element of box.querySelectorAll('*')) {
    assert.ok(TAGS.has(element.tagName), element.outerHTML);
    for (const { name } of element.attributes) assert.ok(ATTRIBUTES.has(name), `${name} in ${element.outerHTML}`);
  }
  for (const link of box.querySelectorAll('a')) {
    assert.match(link.getAttribute('href'), /^(https?:\/\/|mailto:)/i);
    assert.deepEqual([link.rel, link.target], ['noopener noreferrer nofollow', '_blank']);
    assert.notEqual(new URL(link.href).origin, location.origin);
    assert.ok(link.textContent.toLowerCase().includes(placeOf(link)), link.outerHTML);
  }
}

/** What a link must say for itself. @param {HTMLAnchorElement} link */
function placeOf(link) {
  return link.protocol === 'mailto:' ? link.pathname : link.host;
}

test('an image is a link in its own words, and nothing is fetched', () => {
  assert.match(htmlOf('![a cat](https://pics.example/cat.png)'), /<a href="https:\/\/pics\.example\/cat\.png"[^>]*>a cat <span class="link-host">pics\.example<\/span><\/a>/);
});

test('a file name is not made a link', () => {
  assert.doesNotMatch(htmlOf('Save it as main.py or run.sh.'), /<a/);
});

test('columns are aligned by class, never by a style attribute', () => {
  const html = htmlOf('| a | b |\n|:-:|--:|\n| 1 | 2 |');
  assert.match(html, /class="align-center"/);
  assert.doesNotMatch(html, /style=/);
});

test('code is highlighted in a known language and plain in an unknown one', () => {
  assert.match(htmlOf('```python\nreturn 1\n```'), /hljs-keyword/);
  assert.doesNotMatch(htmlOf('```nonsense\nreturn 1\n```'), /hljs-/);
});

test('every grammar that can be named is carried', async () => {
  const { loadGrammar, highlight } = await import('../../../static/pwa/render/highlight.js');
  for (const name of readdirSync(new URL('../../../static/pwa/vendor/languages/', import.meta.url)).filter((file) => file.endsWith('.js'))) {
    await loadGrammar(name.slice(0, -3));
    assert.notEqual(highlight('x', name.slice(0, -3)), '');
  }
});

test('only render/ turns text into nodes', () => {
  const root = new URL('../../../static/pwa/', import.meta.url);
  const files = readdirSync(root, { recursive: true }).filter((name) => name.endsWith('.js') && !name.startsWith('vendor'));
  const sinks = /\.innerHTML|\.outerHTML|insertAdjacentHTML|document\.write|setHTMLUnsafe|parseFromString|createContextualFragment|\beval\(|new Function/;
  for (const name of files) assert.doesNotMatch(readFileSync(new URL(name, root), 'utf8'), sinks, name);
});

test('hostile texts are harmless as a whole', () => {
  parseQuickly();
  for (const text of [...HOSTILE, ...NAUGHTY]) {
    const box = document.createElement('div');
    box.append(...renderMarkdown(text));
    assertHarmless(box);
  }
});

/** All of them stream in the browser's tests, where this costs a hundredth. */
test('what an answer leaves open is harmless after every single character', () => {
  parseQuickly();
  for (const text of [...THEMES['open ends'], ...THEMES.blocks]) {
    const { box, markdown } = growing([...text], assertHarmless);
    markdown.finish(text);
    assert.equal(box.innerHTML, htmlOf(text), text);
  }
});

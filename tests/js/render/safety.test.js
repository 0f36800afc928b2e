/** What a model says stays text: nothing runs, nothing is loaded, links say where they lead. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { HOSTILE } from '../support/corpus.js';
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
  }
}

test('hostile texts are harmless as a whole', () => {
  for (const text of HOSTILE) {
    const box = document.createElement('div');
    box.append(...renderMarkdown(text));
    assertHarmless(box);
  }
});

test('an image is a link in its own words, and nothing is fetched', () => {
  assert.match(htmlOf('![a cat](https://pics.example/cat.png)'), /<a href="https:\/\/pics\.example\/cat\.png"[^>]*>a cat <span class="link-host">pics\.example<\/span><\/a>/);
});

test('a link names its host unless its words are the address', () => {
  assert.match(htmlOf('[x](https://evil.example/)'), /link-host">evil\.example</);
  assert.doesNotMatch(htmlOf('https://docs.example/a'), /link-host/);
});

test('a link that pretends another host is told by its real one', () => {
  assert.match(htmlOf('[good.example](https://good.example@evil.example/)'), /link-host">evil\.example</);
  assert.match(htmlOf('<https://good.example@evil.example/>'), /link-host">evil\.example</);
});

test('a link to this origin or to nowhere stays plain text', () => {
  for (const text of ['[x](/api/v1/auth/logout)', '[x](//chat.example/s)', '[x](https://chat.example/s/1)', '[x](#top)']) assert.doesNotMatch(htmlOf(text), /<a/);
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

test('hostile texts are harmless after every single character', () => {
  parseQuickly();
  for (const text of HOSTILE) {
    growing([...text], assertHarmless);
  }
});

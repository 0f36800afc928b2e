/** Where a link leads is said beside it, and nothing unseen can say otherwise. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { growing, htmlOf } from '../support/dom.js';

/** What the only link of a text says beside its words, '' when nothing. @param {string} text */
function toldBy(text) {
  const html = htmlOf(text);
  assert.equal(html.split('<a ').length, 2, html);
  return /link-host">([^<]*)</.exec(html)?.[1] ?? '';
}

test('a link names its host unless its words are the address', () => {
  assert.equal(toldBy('[x](https://evil.example/)'), 'evil.example');
  assert.equal(toldBy('[good.example](https://good.example.evil.example/)'), 'good.example.evil.example');
  assert.equal(toldBy('https://docs.example/a'), '');
  assert.equal(toldBy('[docs.example](https://docs.example/a)'), '');
});

test('a name that looks like another one is told as it goes over the wire', () => {
  for (const text of ['[apple](https://аррӏе.com/)', '[аррӏе.com](https://аррӏе.com/)', 'https://аррӏе.com/']) assert.match(toldBy(text), /^xn--[\w-]+\.com$/, text);
});

test('a link that pretends another host is told by its real one', () => {
  for (const text of ['[good.example](https://good.example@evil.example/)', '<https://good.example@evil.example/>', '[https://good.example/ https://evil.example/](https://evil.example/)']) {
    assert.equal(toldBy(text), 'evil.example', text);
  }
});

test('words with something unseen in them do not stand for an address', () => {
  assert.match(htmlOf('[good.example\u200b](https://good.example/)'), /good\.example\[U\+200B\] <span class="link-host">good\.example</);
  assert.match(htmlOf('[\u202eelpmaxe.doog](https://evil.example/)'), /\[U\+202E\]elpmaxe\.doog <span class="link-host">evil\.example</);
});

test('a letter goes to an address that is told, and takes nothing along', () => {
  const html = htmlOf('[Help](mailto:a@evil.example?body=secret&attach=x)');
  assert.match(html, /href="mailto:a@evil\.example"/);
  assert.match(html, /link-host">a@evil\.example</);
});

test('a link to this server, however it is spelled, stays plain text', () => {
  for (const to of ['/api/v1/auth/logout', '//chat.example/s', 'https://chat.example/s/1', 'http://chat.example/', 'https://chat.example./', 'https://CHAT.example:443/', 'https://x@chat.example/', '#top']) {
    assert.doesNotMatch(htmlOf(`[x](${to})`), /<a/, to);
  }
  assert.match(htmlOf('[x](https://chat.example:8443/)'), /<a/);
});

test('an image inside a link is its words', () => {
  const html = htmlOf('[![build](https://evil.example/b.svg)](https://good.example/)');
  assert.match(html, /^<p><a href="https:\/\/good\.example\/"[^>]*>build <span class="link-host">good\.example<\/span><\/a><\/p>\s*$/);
});

test('controls that turn or hide code are shown by their names', () => {
  assert.match(htmlOf('`a\u202e\u2066b\u2069`'), /a\[U\+202E\]\[U\+2066\]b\[U\+2069\]/);
  assert.match(htmlOf('```js\nif (a\u200b) run(\u{E0041})\n```'), /\[U\+200B\].*\[U\+E0041\]/s);
  assert.match(htmlOf('```sh\n\u001b[31m\n```'), /\[U\+001B\]\[31m/);
});

test('prose keeps the marks that languages need and loses the power to turn what follows', () => {
  assert.match(htmlOf('a\u200fb می\u200cخواهم 👩\u200d👧'), /a\u200fb می\u200cخواهم 👩\u200d👧/);
  assert.match(htmlOf('\u202egnp.exe'), /\[U\+202E\]gnp\.exe/);
});

test('a long piece of code that grows hides nothing either', () => {
  const pieces = ['```js\n', `${'x = 1;\n'.repeat(300)}`, 'a\u202eb', '\u2066c', '\n```\n'];
  const { box } = growing(pieces, (shown) => assert.doesNotMatch(shown.textContent, /[\u202e\u2066]/));
  assert.match(box.textContent, /a\[U\+202E\]b\[U\+2066\]c/);
});

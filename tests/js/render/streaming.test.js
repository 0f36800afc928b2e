/** A growing answer ends as the same nodes as the whole one, and what is stable stays untouched. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CODE_ANSWER } from '../support/answers.mjs';
import { TEXTS, THEMES } from '../support/corpus.js';
import { growing, htmlOf, parseQuickly } from '../support/dom.js';

parseQuickly();

/** Steps of a fixed, uneven length. @param {string} text @param {number} seed */
function cut(text, seed) {
  const pieces = [];
  for (let at = 0, state = seed; at < text.length; ) {
    state = (state * 1103515245 + 12345) % 2147483648;
    const size = 1 + (state % 9);
    pieces.push(text.slice(at, at + size));
    at += size;
  }
  return pieces;
}

/** Without the runner's own difference of two long lines, which takes minutes. @param {Element} box @param {string} text */
function assertSame(box, text) {
  const whole = htmlOf(text);
  assert.ok(box.innerHTML === whole, `got ${box.innerHTML}\nwant ${whole}`);
}

for (const [name, text] of Object.entries(TEXTS)) {
  test(`${name}: streamed in any steps, the end is what rendering the whole gives`, () => {
    for (const pieces of [text.length < 120 ? [...text] : cut(text, 9), [text]]) {
      const { box, markdown } = growing(pieces);
      markdown.finish(text);
      assertSame(box, text);
    }
  });

  test(`${name}: the last step before the end differs in its last block at most`, () => {
    if (/reference that is defined later|unclosed|emphasis|code spans/.test(name)) return;
    const { box } = growing(cut(`${text}\n\nend of it\n`, 5));
    assertSame(box, `${text}\n\nend of it\n`);
  });
}

/** The other themes stream in the browser's tests. */
test('hostile code: streamed one character at a time, the end is what rendering the whole gives', () => {
  for (const text of THEMES.code) {
    const { box, markdown } = growing([...text]);
    markdown.finish(text);
    assertSame(box, text);
  }
});

test('stable blocks keep their very nodes while the text grows and when it is finished', () => {
  const head = 'First paragraph.\n\n```js\nconst a = 1;\n```\n\nThird';
  const { box, markdown } = growing([head]);
  const [first, code] = box.children;
  for (let at = 1; at <= 40; at += 1) markdown.grow(head + ' and so on'.repeat(at));
  markdown.finish(head + ' and so on'.repeat(40));
  assert.ok(box.children[0] === first && box.children[1] === code);
});

test('a growing paragraph keeps its text node, so a selection in it survives', () => {
  const { box, markdown } = growing(['Some words']);
  const text = box.firstChild.firstChild;
  markdown.grow('Some words and more');
  assert.ok(box.firstChild.firstChild === text && text.data === 'Some words and more');
});

test('a fence has its final shape from its first line on', () => {
  const { seen } = growing([...'Look:\n\n```python\nx = 1\n']);
  const from = seen.findIndex((html) => html.includes('class="code"'));
  assert.ok(from > 0);
  assert.ok(seen.every((html) => !html.includes('``') && !html.includes('`')));
  assert.ok(seen.slice(from).every((html) => html.includes('class="code"')));
});

test('long code shows every character as it arrives, and its colours in the end', () => {
  const lines = Array.from({ length: 60 }, (_, i) => `def f${i}(x): return x + ${i}  # comment\n`).join('');
  const text = `\`\`\`python\n${lines}\`\`\`\n\nThat is all.`;
  let shown = '';
  const { box, markdown } = growing(cut(text, 31), (at) => (shown = at.querySelector('code')?.textContent.trimEnd() ?? ''));
  assert.equal(shown.length, lines.trimEnd().length);
  markdown.finish(text);
  assertSame(box, text);
});

test('long code grows by exactly what arrives', () => {
  const lines = Array.from({ length: 60 }, (_, i) => `x${i} = ${i}; y${i} = "text ${i}"  # comment\n`).join('');
  let at = 0;
  const pieces = cut(lines, 13);
  growing(['```python\n', ...pieces], (box) => {
    const want = pieces.slice(0, at).join('');
    at += 1;
    assert.ok(box.querySelector('code').textContent.trimEnd() === want.trimEnd());
  });
});

test('a table is never shown as a line of bars', () => {
  const { seen } = growing([...'Look:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n']);
  assert.ok(seen.every((html) => !html.includes('|')));
  assert.ok(seen.at(-1).includes('<table>'));
});

test('markers of emphasis are not seen while it is open', () => {
  const { seen } = growing([...'This is **very important** to `know it` now.']);
  assert.ok(seen.every((html) => !html.includes('*') && !html.includes('`')));
});

test('half a link shows its words, not its address', () => {
  const { seen } = growing([...'See [the docs](https://docs.example/path) for more.']);
  assert.ok(seen.every((html) => !/\]\(|\[the/.test(html)));
});

test('a text that starts anew replaces the old one', () => {
  const { box, markdown } = growing(['Old text.\n\nMore of it.\n\nEnd']);
  markdown.grow('New');
  assert.equal(box.innerHTML, htmlOf('New'));
});

test('many prefixes of a real answer renders without a fault', () => {
  assert.equal(growing(cut(CODE_ANSWER, 3)).seen.length, cut(CODE_ANSWER, 3).length);
});

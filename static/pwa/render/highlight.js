/** Colours for code in the handful of languages that models write most. Text in, HTML with `hljs-` classes out. */
import hljs from '../vendor/highlight.js';
import bash from '../vendor/languages/bash.js';
import c from '../vendor/languages/c.js';
import cpp from '../vendor/languages/cpp.js';
import css from '../vendor/languages/css.js';
import diff from '../vendor/languages/diff.js';
import go from '../vendor/languages/go.js';
import java from '../vendor/languages/java.js';
import javascript from '../vendor/languages/javascript.js';
import json from '../vendor/languages/json.js';
import python from '../vendor/languages/python.js';
import rust from '../vendor/languages/rust.js';
import sql from '../vendor/languages/sql.js';
import typescript from '../vendor/languages/typescript.js';
import xml from '../vendor/languages/xml.js';
import yaml from '../vendor/languages/yaml.js';

/** Longer code stays plain: colouring it at every frame would cost more than it gives. */
const HIGHLIGHT_CHARS = 20_000;

const languages = { bash, c, cpp, css, diff, go, java, javascript, json, python, rust, sql, typescript, xml, yaml };
for (const [name, grammar] of Object.entries(languages)) hljs.registerLanguage(name, grammar);

/**
 * @param {string} code
 * @param {string} language as the fence names it
 * @returns {string} HTML, or '' to leave the code plain
 */
export function highlight(code, language) {
  if (!hljs.getLanguage(language) || code.length > HIGHLIGHT_CHARS) return '';
  return hljs.highlight(code, { language, ignoreIllegals: true }).value;
}

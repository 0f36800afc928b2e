/**
 * Copies the few browser files that the web app imports from node_modules to static/pwa/vendor/, with their licences
 * and a type declaration beside each. Run after `npm ci`; nothing is fetched, and nothing is changed on the way but the
 * pointer to a source map, which is not carried.
 */
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const FROM = join(ROOT, 'node_modules');
const TO = join(ROOT, 'static', 'pwa', 'vendor');
const LANGUAGES = ['bash', 'c', 'cpp', 'css', 'diff', 'go', 'java', 'javascript', 'json', 'python', 'rust', 'sql', 'typescript', 'xml', 'yaml'];

const ANY_DEFAULT = 'declare const value: any;\nexport default value;\n';

/** @type {[source: string, target: string][]} */
const FILES = [
  ['markdown-it/dist/browser/markdown-it.esm.min.mjs', 'markdown-it.js'],
  ['dompurify/dist/purify.min.js', 'dompurify.js'],
  ['@highlightjs/cdn-assets/es/core.min.js', 'highlight.js'],
  ...LANGUAGES.map((name) => /** @type {[string, string]} */ ([`@highlightjs/cdn-assets/es/languages/${name}.min.js`, `languages/${name}.js`])),
  ['markdown-it/LICENSE', 'LICENSE-markdown-it.txt'],
  ['dompurify/LICENSE', 'LICENSE-dompurify.txt'],
  ['@highlightjs/cdn-assets/LICENSE', 'LICENSE-highlight.txt'],
];

await rm(TO, { recursive: true, force: true });
await mkdir(join(TO, 'languages'), { recursive: true });
for (const [source, target] of FILES) {
  if (target.endsWith('.js')) await copyModule(join(FROM, source), join(TO, target));
  else await copyFile(join(FROM, source), join(TO, target));
}

/**
 * @param {string} source
 * @param {string} target
 */
async function copyModule(source, target) {
  const code = await readFile(source, 'utf8');
  await writeFile(target, code.replace(/^\/\/# sourceMappingURL=.*$/m, ''));
  await writeFile(target.replace(/\.js$/, '.d.ts'), ANY_DEFAULT);
}

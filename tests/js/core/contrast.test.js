/** The figures of LOOK.md, computed from the tokens: text AAA, all else that is read AA, borders of fields 3 to 1. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const css = readFileSync(new URL('../../../static/pwa/styles/tokens.css', import.meta.url), 'utf8');
const PAIR = /--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);/g;
const tokens = Object.fromEntries([...css.matchAll(PAIR)].map(([, name, light, dark]) => [name, { light, dark }]));

/** Relative luminance, WCAG 2.2. @param {string} hex */
function luminance(hex) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

const SURFACES = ['page', 'side', 'raised', 'sunken', 'bubble'];
const CODE = ['code-keyword', 'code-string', 'code-number', 'code-name', 'code-comment'];
const WANTED = [
  ...SURFACES.concat('hover').map((surface) => ['text', surface, 7]),
  ...SURFACES.concat('hover').map((surface) => ['text-soft', surface, 4.5]),
  ...['page', 'raised', 'sunken', 'side'].flatMap((surface) => [['accent', surface, 4.5], ['fail', surface, 4.5], ['wait', surface, 4.5]]),
  ...CODE.map((colour) => [colour, 'sunken', 4.5]),
  ['on-accent', 'accent', 4.5],
  ['on-accent', 'accent-strong', 4.5],
  ['line-strong', 'raised', 3],
];

for (const scheme of ['light', 'dark']) {
  test(`every text can be read in the ${scheme} theme`, () => {
    for (const [colour, surface, least] of WANTED) {
      const ratio = contrast(tokens[colour][scheme], tokens[surface][scheme]);
      assert.ok(ratio >= least, `${colour} on ${surface}: ${ratio.toFixed(2)} < ${least}`);
    }
  });
}

test('no surface is pure black and none of the dark theme pure white', () => {
  for (const { light, dark } of Object.values(tokens)) assert.ok(![light, dark].includes('#000000') && dark !== '#ffffff');
});

test('no colour stands outside the tokens', () => {
  for (const name of ['base', 'layout', 'side', 'turns', 'prose', 'composer', 'sign-in']) {
    const sheet = readFileSync(new URL(`../../../static/pwa/styles/${name}.css`, import.meta.url), 'utf8');
    assert.doesNotMatch(sheet, /#[0-9a-f]{3,8}\b|rgb\(|hsl\(|oklch\(/i, name);
  }
});

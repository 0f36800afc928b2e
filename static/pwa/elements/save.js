/** Saving a file that this page holds. */
import { h } from './dom.js';

/** A browser may read the address some time after the click. */
const KEEP_MS = 60_000;

/** @param {string} name @param {Blob} blob */
export function saveFile(name, blob) {
  const url = URL.createObjectURL(blob);
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), KEEP_MS);
}

/** Light, dark, or as the system says: kept on this device, applied to the whole page (early.js does it before the first paint). */

/** @typedef {'auto'|'light'|'dark'} Theme */
const KEY = 'zgpt.theme';

/** @returns {Theme} */
export function theme() {
  const kept = localStorage.getItem(KEY);
  return kept === 'light' || kept === 'dark' ? kept : 'auto';
}

/** @param {Theme} wanted */
export function setTheme(wanted) {
  if (wanted === 'auto') localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, wanted);
  document.documentElement.dataset['theme'] = wanted;
}

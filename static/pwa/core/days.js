/** Words for when something happened, for the headings of the list. Pure. */

const DAY_MS = 86_400_000;

/**
 * @param {string} iso
 * @param {Date} now
 * @returns {'Today'|'Yesterday'|'This week'|'Earlier'}
 */
export function dayHeading(iso, now) {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  const at = new Date(iso).getTime();
  if (at >= midnight) return 'Today';
  if (at >= midnight - DAY_MS) return 'Yesterday';
  return at >= midnight - 6 * DAY_MS ? 'This week' : 'Earlier';
}

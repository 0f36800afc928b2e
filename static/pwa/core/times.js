/** Words for how long ago something was, and for how long it still takes. Pure: the time of now comes from the caller. */

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const exact = new Intl.RelativeTimeFormat('en', { numeric: 'always' });
const loose = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/**
 * Seconds and minutes are rounded up: who comes back then is not told to wait again.
 * @param {number} ms
 * @returns {string} like `in 40 seconds`, `in 5 hours`
 */
export function inWords(ms) {
  if (ms <= 90 * SECOND_MS) return exact.format(Math.max(1, Math.ceil(ms / SECOND_MS)), 'second');
  if (ms <= 90 * MINUTE_MS) return exact.format(Math.ceil(ms / MINUTE_MS), 'minute');
  if (ms <= 36 * HOUR_MS) return exact.format(Math.round(ms / HOUR_MS), 'hour');
  return exact.format(Math.round(ms / DAY_MS), 'day');
}

/**
 * @param {string} iso
 * @param {number} nowMs
 * @returns {string} like `just now`, `5 minutes ago`, `yesterday`
 */
export function ago(iso, nowMs) {
  const ms = nowMs - Date.parse(iso);
  if (ms < MINUTE_MS) return 'just now';
  if (ms < HOUR_MS) return exact.format(-Math.floor(ms / MINUTE_MS), 'minute');
  if (ms < DAY_MS) return exact.format(-Math.floor(ms / HOUR_MS), 'hour');
  return loose.format(-Math.floor(ms / DAY_MS), 'day');
}

/** @param {string} iso @returns {string} like `22 Nov 2026`, where the reader is */
export function day(iso) {
  return new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' }).format(new Date(iso));
}

const NO_TIME = ' Wait a moment and try again.';

/**
 * A fault as a person reads it: the cause, and when to come back where that is known.
 * @param {{message: string, retryAfterMs?: number|null}} fault
 * @returns {string}
 */
export function faultWords({ message, retryAfterMs = null }) {
  return retryAfterMs === null ? message : `${causeOf(message)} Try again ${inWords(retryAfterMs)}.`;
}

/** Without the advice to wait, where a time is told instead. @param {string} message @returns {string} */
export function causeOf(message) {
  const whole = sentence(message);
  return whole.endsWith(NO_TIME) ? whole.slice(0, -NO_TIME.length) : whole;
}

/** @param {string} text @returns {string} with an end */
export function sentence(text) {
  return /[.!?…]$/.test(text.trim()) ? text.trim() : `${text.trim()}.`;
}

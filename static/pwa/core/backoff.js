/** When to try again, or to look again: jitter between two bounds. Pure; the caller owns the timer. */

export const FLOOR_MS = 500;
export const CEILING_MS = 20_000;

/**
 * Delay before attempt `attempt` (0 is the first retry): even between the floor and 1 s · 2^attempt, never above 20 s,
 * so that many clients cut off together do not come back together.
 * @param {number} attempt
 * @param {() => number} [random] even in [0, 1)
 * @returns {number} milliseconds
 */
export function retryDelay(attempt, random = Math.random) {
  const bound = Math.min(CEILING_MS, 1000 * 2 ** Math.min(attempt, 10));
  return Math.round(FLOOR_MS + random() * (bound - FLOOR_MS));
}

/** What is blocked on the way stays so for hours, or until the person is on another network, which the page hears of. */
export const PATIENT_FLOOR_MS = 30_000;
export const PATIENT_CEILING_MS = 600_000;

/**
 * Delay before another attempt at what seems to be blocked: 15 to 30 s at first, 5 to 10 min in the end.
 * @param {number} attempt
 * @param {() => number} [random] even in [0, 1)
 * @returns {number} milliseconds
 */
export function patientDelay(attempt, random = Math.random) {
  const bound = Math.min(PATIENT_CEILING_MS, PATIENT_FLOOR_MS * 2 ** Math.min(attempt, 10));
  return Math.round(bound * (0.5 + random() / 2));
}

/**
 * How long it takes a person to wonder where the message of their other device is; the question costs the server one
 * indexed read.
 */
export const LOOK_MS = 5_000;
/** Nobody sees a hidden page, and it looks at once when it is shown. */
export const LOOK_HIDDEN_MS = 60_000;

/**
 * Delay before the next look for what others changed, a fifth more or less, so that many pages do not look together.
 * @param {boolean} hidden
 * @param {() => number} [random] even in [0, 1)
 * @returns {number} milliseconds
 */
export function lookDelay(hidden, random = Math.random) {
  return Math.round((hidden ? LOOK_HIDDEN_MS : LOOK_MS) * (0.8 + random() * 0.4));
}

/** When to try again: full jitter between a growing bound and a floor. Pure; the caller owns the timer. */

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

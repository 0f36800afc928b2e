/**
 * What was used, in words. Pure.
 *
 * @typedef {{used: number, limit: number|null, resets_at: string|null}} Quota
 * @typedef {{title: string, text: string, when: string, share: number|null}} UsageLine `share` of the limit, 0 to 1
 */
import { inWords } from './times.js';

/**
 * @param {{runs: Quota, tokens: Quota, cost: Quota}} usage
 * @param {number} nowMs
 * @returns {UsageLine[]}
 */
export function usageLines({ runs, tokens, cost }, nowMs) {
  const lines = [lineOf('Tokens today', tokens, nowMs), lineOf('Answers being written', runs, nowMs)];
  return cost.used > 0 || cost.limit !== null ? [...lines, lineOf('Cost of this month', cost, nowMs)] : lines;
}

/** @param {string} title @param {Quota} quota @param {number} nowMs @returns {UsageLine} */
function lineOf(title, { used, limit, resets_at }, nowMs) {
  const text = limit === null ? `${figure(used)}, without a limit` : `${figure(used)} of ${figure(limit)}`;
  const when = resets_at ? `Counted anew ${inWords(Date.parse(resets_at) - nowMs)}` : '';
  return { title, text, when, share: limit ? Math.min(1, used / limit) : null };
}

/** @param {number} value */
function figure(value) {
  return value.toLocaleString('en', { maximumFractionDigits: 2 });
}

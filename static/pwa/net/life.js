/** Answers that nobody waits for any more: what was asked in one sign-in is not heard in the next. */
import { Fault } from './faults.js';

/**
 * The answer, or a fault as soon as the life in which it was asked for has ended.
 * @template T
 * @param {AbortSignal} life
 * @param {Promise<T>} answer
 * @returns {Promise<T>}
 */
export async function within(life, answer) {
  const answered = new AbortController();
  /** @type {Promise<never>} */
  const end = new Promise((_, reject) => {
    const over = () => reject(new Fault('unauthorized', 'This sign-in has ended.', { status: 401 }));
    if (life.aborted) over();
    else life.addEventListener('abort', over, { signal: answered.signal });
  });
  try {
    return await Promise.race([end, answer]);
  } finally {
    answered.abort();
  }
}

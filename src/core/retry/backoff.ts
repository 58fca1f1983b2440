// How long to wait before the next attempt.
import type { Backoff } from "../definition.js";

const oneHour = 3_600_000;
// The longest delay a Node timer takes.
const longest = 2 ** 31 - 1;

/**
 * The delay after a failed attempt, in ms. An exponential one is `delay * 2^(attempt - 1)`, at most `maxDelay`. The part
 * `jitter` of it is random, so that tasks that failed together do not come back together.
 *
 * @param attempt the attempt that failed, 1 for the first
 * @param random returns a number from 0 to 1; tests replace it
 * @returns ms; 1,000 where a function of the user's throws or does not return a number of at least 0
 */
export function backoffDelay(
  backoff: Backoff,
  attempt: number,
  error: unknown,
  random: () => number = Math.random,
): number {
  if (typeof backoff === "number") return backoff;
  if (typeof backoff === "function") return askedDelay(backoff, attempt, error);
  const { type = "exponential", delay = 1_000 } = backoff;
  const exponential = type === "exponential";
  const { maxDelay = oneHour, jitter = exponential ? 0.5 : 0 } = backoff;
  // Finite, because 0 times Infinity is NaN, and a task with a delay of NaN would wait for ever.
  const factor = exponential ? Math.min(2 ** (attempt - 1), Number.MAX_VALUE) : 1;
  const full = Math.min(maxDelay, longest, delay * factor);
  // Subtracted, because a sum of two parts may be rounded up above the whole.
  return full - full * jitter * (1 - random());
}

/** A backoff function that fails must not prevent the next attempt. */
function askedDelay(ask: (attempt: number, error: unknown) => number, attempt: number, error: unknown): number {
  try {
    const delay: unknown = ask(attempt, error);
    // Without this, an async function that rejects would cause an unhandledRejection.
    if (delay instanceof Promise) delay.catch(() => {});
    return typeof delay === "number" && delay >= 0 ? Math.min(delay, longest) : 1_000;
  } catch {
    return 1_000;
  }
}

// Every timer and clock of the library. Test runners replace the global ones: what the library waited for through a replaced
// timer would not come until the test moves its clock, and never once the fake is gone (measured with vitest 4 and jest 30: the
// pool stopped for good). They may do so before the library is loaded (jest's `enableGlobally`), so the timers come from
// modules of Node's, whose named exports stay what they are.
import { type EventLoopUtilization, performance } from "node:perf_hooks";
import { clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } from "node:timers";
import { deferred } from "./deferred.js";

/** A timer that has been set. */
export type Timer = NodeJS.Timeout;

export const setTimer: typeof globalThis.setTimeout = setTimeout;
export const clearTimer: typeof globalThis.clearTimeout = clearTimeout;
export const setTicker: typeof globalThis.setInterval = setInterval;
export const clearTicker: typeof globalThis.clearInterval = clearInterval;
/** Runs a function in the next turn of the event loop. */
export const nextTurn: typeof globalThis.setImmediate = setImmediate;

// No module of Node's exports the next three. Where a test runner has replaced one, something else does nearly the same. Its
// replacement has fields, such as its clock. Node's own functions have none.
const isReplaced = (func: object): boolean => Object.keys(func).length > 0;
const soon = (callback: () => void): void => void Promise.resolve().then(callback);
/** Runs a function as a microtask, in the async context of the caller. */
export const microtask: (callback: () => void) => void = isReplaced(globalThis.queueMicrotask)
  ? soon
  : globalThis.queueMicrotask.bind(globalThis);
/** Runs a function at the end of this turn's current step, in the async context of the caller. */
export const atEndOfStep: (callback: () => void) => void = isReplaced(process.nextTick)
  ? soon
  : process.nextTick.bind(process);

/** What follows the present step of the library's own, if there is one. */
let followers: (() => void)[] | undefined;

/** Runs a step of the library's own, in which `afterStep` is called often. No step is within another. */
export function inStep(run: () => void): void {
  const due: (() => void)[] = [];
  followers = due;
  try {
    run();
  } finally {
    followers = undefined;
    // None depends on the others, as microtasks do not.
    for (const follow of due) {
      try {
        follow();
      } catch (error) {
        microtask(() => {
          throw error;
        });
      }
    }
  }
}

/**
 * Runs a function when the present step is done: at the end of a step of the library's own, else as a microtask. A microtask is an async
 * resource, which takes Node 20 as much as a twentieth of all that a request with one task takes.
 */
export function afterStep(follow: () => void): void {
  if (followers === undefined) microtask(follow);
  else followers.push(follow);
}

/** How busy the event loop was, from its start or from an earlier reading on. */
export const loopUse: (since?: EventLoopUtilization) => EventLoopUtilization =
  performance.eventLoopUtilization.bind(performance);

/** Milliseconds on this thread's monotonic clock, with a fraction. */
export const now: () => number = performance.now.bind(performance);
/** Milliseconds since 1970. */
export const wallClock: () => number = /\[native code\]/.test(Function.prototype.toString.call(Date.now))
  ? Date.now.bind(Date)
  : () => performance.timeOrigin + now();

// The first call of a clock takes up to 1 ms.
now();
// `performance.now()` counts from the start of its own thread, `process.uptime()` from the same moment in all. Unlike
// `process.hrtime`, which reads the same clock, no test runner replaces it.
const offset = process.uptime() * 1_000 - now();

/** Milliseconds on a monotonic clock that all threads of the process share. */
export function sharedNow(): number {
  return offset + now();
}

/** How long this process has been running, in ms. */
export function upMs(): number {
  return process.uptime() * 1_000;
}

/** Resolves in the next turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => nextTurn(resolve));
}

/**
 * Resolves after `ms`, or at once when `signal` aborts; never rejects.
 *
 * @param options `ref: false` lets the process end meanwhile
 */
export function sleep(ms: number, options: { signal?: AbortSignal; ref?: boolean } = {}): Promise<void> {
  const { signal, ref = true } = options;
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const end = (): void => {
      clearTimer(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimer(end, ms);
    if (!ref) timer.unref();
    signal?.addEventListener("abort", end, { once: true });
  });
}

/**
 * Waits for `work`, but no longer than `ms`; without `ms`, as long as it takes.
 *
 * @returns whether the work was done in time; rejects as the work does
 */
export async function inTime(work: Promise<unknown>, ms: number | undefined): Promise<boolean> {
  if (ms !== undefined) return doneBefore(work, (expire) => realClock.after(ms, expire));
  await work;
  return true;
}

/**
 * Waits for `work`, but no longer than until a limit expires that may move meanwhile.
 *
 * @param limit called with what expires the limit; returns what takes the limit away
 * @returns whether the work was done first; rejects as the work does
 */
export async function doneBefore(work: Promise<unknown>, limit: (expire: () => void) => () => void): Promise<boolean> {
  const expired = deferred<boolean>();
  const remove = limit(() => expired.resolve(false));
  try {
    return await Promise.race([work.then(() => true), expired.promise]);
  } finally {
    remove();
  }
}

/** A clock and its timers, to be replaced where a test moves time itself. */
export interface Clock {
  now(): number;
  /** Calls `callback` after `ms`; returns what prevents it. The timer keeps the process alive. */
  after(ms: number, callback: () => void): () => void;
}

export const realClock: Clock = {
  now,
  after: (ms, callback) => {
    const timer = setTimer(callback, ms);
    return () => clearTimer(timer);
  },
};

/** The real clock for housekeeping: its timers do not keep the process alive. */
export const backgroundClock: Clock = {
  now,
  after: (ms, callback) => {
    const timer = setTimer(callback, ms).unref();
    return () => clearTimer(timer);
  },
};

/** A timer that fires so many ms late shows that the process was stopped (SIGSTOP, a debugger) or that this thread was blocked. */
export const heldUpMs = 50;

/**
 * Calls `judge` after `ms`, the time in which another thread or process has to do something. After a stop of this process or a
 * long synchronous call, timers come before messages. So what the other side did in time may still be unread, and it may have
 * been stopped as well. A timer that fires late therefore waits once more, for as long as it was late and at most `ms`.
 *
 * @returns what prevents it
 */
export function afterFairTime(ms: number, judge: () => void, clock: Clock = realClock): () => void {
  const due = clock.now() + ms;
  let remove = clock.after(ms, () => {
    const late = clock.now() - due;
    if (late < heldUpMs) judge();
    else remove = clock.after(Math.min(late, ms), judge);
  });
  return () => remove();
}

// Times of tasks, in ticks of 0.1 ms in a 32-bit integer, because a double in a field of an object costs 16 bytes more
// (measured with 1,000,000 queued tasks). The number wraps after five days. `since` is right across the wrap.
import { now } from "./time.js";

// In ticks. Less than the whole range, so that a task that seems this old can wait for another 100 s before it seems new.
const longestAge = 2 ** 32 - 1e6;

/** A moment in ticks of 0.1 ms; by default now. */
export function ticks(at: number = now()): number {
  return (at * 10) | 0;
}

/** Milliseconds from `start` to `end`, both in ticks. */
export function since(start: number, end: number = ticks()): number {
  return ((end - start) >>> 0) / 10;
}

/** The tick of the moment `ms` ago; the earliest possible tick if that is longer ago than ticks reach. */
export function ticksAgo(ms: number): number {
  return (ticks() - Math.min(ms * 10, longestAge)) | 0;
}

// How many iterations of `work` take so many ms of an undisturbed core.
import { performance } from "node:perf_hooks";
import { work } from "../threads/tasks.js";

/** By the fastest of several runs, for what disturbs a run only makes it longer. */
export function iterationsFor(ms: number): number {
  const iterations = 20_000;
  let fastest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 8; i++) {
    const startedAt = performance.now();
    work({ key: "", iterations });
    fastest = Math.min(fastest, performance.now() - startedAt);
  }
  return Math.round((iterations * ms) / fastest);
}

// The tasks of the soak: good ones, failing ones, ones that wait.
import { setTimeout as sleep } from "node:timers/promises";
import type { TaskContext } from "offload-after-response";
import { work } from "./tasks.js";

/** A little CPU, a progress value, a log line now and then. */
export function resize({ n, iterations }: { n: number; iterations: number }, task: TaskContext): { n: number } {
  work({ key: "", iterations });
  task.progress(n);
  if (n % 100 === 0) task.log.info("resized", { n });
  return { n };
}

/** Fails on its first attempt, and one in ten for good. */
export function flaky({ n }: { n: number }, task: TaskContext): void {
  if (task.attempt === 1 || n % 10 === 0) throw new Error(`attempt ${task.attempt} of ${n}`);
}

/** Waits for something that ends it sooner: a cancel, a timeout. */
export async function wait(_payload: object, task: TaskContext): Promise<void> {
  await sleep(10_000, undefined, { signal: task.signal });
}

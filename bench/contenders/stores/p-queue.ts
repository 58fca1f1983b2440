// p-queue, one at a time, and a plain callback in the next turn: both run small work on the caller's own event loop and record nothing.
// bench/harness/on-demand.ts installs p-queue.
import path from "node:path";
import { pathToFileURL } from "node:url";
import { tiny } from "../../threads/tasks.js";
import type { StoreOptions, TaskStore } from "./contender.js";

/** What is used of it. */
interface PQueue {
  readonly size: number;
  add(run: () => number): Promise<unknown>;
}

export async function openPQueue({ held = false, installed = {} }: StoreOptions): Promise<TaskStore> {
  const entry = path.join(installed["p-queue"] ?? "", "dist/index.js");
  const { default: Queue }: { default: new (options: { concurrency: number; autoStart: boolean }) => PQueue } =
    await import(pathToFileURL(entry).href);
  const queue = new Queue({ concurrency: 1, autoStart: !held });
  return {
    accept: (payload, done) => void queue.add(() => tiny(payload)).then(done),
    kept: () => queue.size,
    close: () => {},
  };
}

/** It cannot be held: what is accepted has not run in the same turn, and that is all. */
export async function openCallback(): Promise<TaskStore> {
  let waiting = 0;
  return {
    accept(payload, done) {
      waiting++;
      setImmediate(() => {
        waiting--;
        tiny(payload);
        done();
      });
    },
    kept: () => waiting,
    close: () => {},
  };
}

// p-queue, one at a time, and a plain callback in the next turn: both run small work on the caller's own event loop and record nothing.
// bench/harness/on-demand.ts installs p-queue.
import path from "node:path";
import { pathToFileURL } from "node:url";
import { tiny } from "../../threads/tasks.js";
import type { StoreOptions, TaskStore } from "./contender.js";

/** What is used of it. */
interface PQueue {
  add(run: () => number): Promise<unknown>;
}

export async function openPQueue({ installed = {} }: StoreOptions): Promise<TaskStore> {
  const entry = path.join(installed["p-queue"] ?? "", "dist/index.js");
  const { default: Queue }: { default: new (options: { concurrency: number }) => PQueue } = await import(
    pathToFileURL(entry).href
  );
  const queue = new Queue({ concurrency: 1 });
  return {
    accept: (payload, done) => void queue.add(() => tiny(payload)).then(done),
    close: () => {},
  };
}

export async function openCallback(): Promise<TaskStore> {
  return {
    accept: (payload, done) =>
      void setImmediate(() => {
        tiny(payload);
        done();
      }),
    close: () => {},
  };
}

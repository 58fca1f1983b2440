// offload-after-response: `offload()` for each task, in the ways in which one may hear of its end, or not.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createOffloader, type Offloader, type OffloaderOptions } from "offload-after-response";
import type { Done, TaskPool } from "./contender.js";

async function open(threads: number, options: Partial<OffloaderOptions> = {}): Promise<Offloader> {
  const offloader = createOffloader({
    tasks: new URL("../../threads/tasks.js", import.meta.url),
    pool: { minThreads: threads, maxThreads: threads },
    // The longest queue that is measured has 1,000,000 tasks; admission is checked all the same.
    queue: { max: Number.POSITIVE_INFINITY },
    // Of tasks that fail, what is measured is the failure and not a line of the log for each.
    logger: false,
    ...options,
  });
  await offloader.ready();
  return offloader;
}

/** The result of each task is awaited, as with the other pools. */
export async function openAfterResponse(threads: number): Promise<TaskPool> {
  const { offload, close } = await open(threads);
  return {
    start(name, payload, done, transfer) {
      void offload(name, payload, transfer && { transfer })
        .result()
        .then(done, done);
    },
    close,
  };
}

/** A listener hears of each task's end. */
export async function openAfterResponseEvents(threads: number): Promise<TaskPool> {
  const { offload, on, close } = await open(threads);
  let call: Done = () => {};
  on("succeeded", () => call());
  on("failed", () => call());
  return {
    start(name, payload, done, transfer) {
      call = done;
      offload(name, payload, transfer && { transfer });
    },
    close,
  };
}

/** Fire and forget: nobody hears of the single task. */
export async function openAfterResponseForget(threads: number): Promise<TaskPool> {
  const { offload, idle, close } = await open(threads);
  return {
    start(name, payload, _done, transfer) {
      offload(name, payload, transfer && { transfer });
    },
    idle,
    close,
  };
}

/** With a journal: what is accepted has been written when the call returns. The result of each task is awaited. */
export async function openAfterResponseJournal(threads: number): Promise<TaskPool> {
  const dir = mkdtempSync(path.join(tmpdir(), "offload-after-response-bench-"));
  process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
  const { offload, close } = await open(threads, { journal: { dir } });
  return {
    start(name, payload, done, transfer) {
      void offload(name, payload, transfer && { transfer })
        .result()
        .then(done, done);
    },
    close,
  };
}

// No library: what one turn of the event loop gives is posted as one array, up to 256 tasks, two arrays under way a
// thread. Nothing may fail, nothing is limited, no task is ever taken back: it is how fast the way itself is.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Done, TaskName, TaskPool } from "./contender.js";

const batchSize = 256;
const batchesUnderWay = 2;

interface Entry {
  readonly name: TaskName;
  readonly payload: unknown;
  readonly done: Done;
  readonly transfer: ArrayBuffer[] | undefined;
}

export async function openRaw(threads: number): Promise<TaskPool> {
  const workers = Array.from({ length: threads }, () => new RawWorker());
  await Promise.all(workers.map(({ worker }) => once(worker, "online")));
  let queue: Entry[] = [];
  let head = 0;
  let flushing = false;

  function flushSoon(): void {
    if (flushing) return;
    flushing = true;
    queueMicrotask(flush);
  }

  function flush(): void {
    flushing = false;
    for (const worker of workers) {
      while (head < queue.length && worker.underWay.length < batchesUnderWay) {
        worker.send(queue.slice(head, head + batchSize), flushSoon);
        head += batchSize;
      }
    }
    if (head < queue.length) return;
    queue = [];
    head = 0;
  }

  return {
    start(name, payload, done, transfer) {
      queue.push({ name, payload, done, transfer });
      flushSoon();
    },
    close: () => Promise.all(workers.map(({ worker }) => worker.terminate())),
  };
}

class RawWorker {
  readonly worker = new Worker(new URL("../../threads/raw.js", import.meta.url));
  readonly underWay: { batch: readonly Entry[]; whenFree(): void }[] = [];

  constructor() {
    this.worker.on("message", () => {
      const ended = this.underWay.shift();
      for (const { done } of ended?.batch ?? []) done();
      ended?.whenFree();
    });
  }

  send(batch: readonly Entry[], whenFree: () => void): void {
    this.underWay.push({ batch, whenFree });
    this.worker.postMessage(
      { names: batch.map(({ name }) => name), payloads: batch.map(({ payload }) => payload) },
      batch.flatMap(({ transfer = [] }) => transfer),
    );
  }
}

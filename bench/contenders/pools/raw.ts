// No library. Batched: what one turn of the event loop gives is posted as one array, up to 256 tasks, two arrays under way
// a thread. One each: every task is a message. Nothing may fail, nothing is limited, no task is ever taken back: it is how
// fast the way itself is.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Done, TaskName, TaskPool } from "./contender.js";

interface Batching {
  /** The most tasks in a message. */
  readonly size: number;
  /** The most messages that a thread has not answered. */
  readonly underWay: number;
}

interface Entry {
  readonly name: TaskName;
  readonly payload: unknown;
  readonly done: Done;
  readonly transfer: ArrayBuffer[] | undefined;
}

export function openRaw(threads: number): Promise<TaskPool> {
  return open(threads, { size: 256, underWay: 2 });
}

/** For payloads: a message that has the same object twice copies it once, and so would favour batches. */
export function openRawEach(threads: number): Promise<TaskPool> {
  return open(threads, { size: 1, underWay: 4 });
}

async function open(threads: number, { size, underWay }: Batching): Promise<TaskPool> {
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
      while (head < queue.length && worker.underWay.length < underWay) {
        worker.send(queue.slice(head, head + size), flushSoon);
        head += size;
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

// No library: what one turn of the event loop gives is posted as one array, up to 256 tasks, two arrays under way a
// thread. Nothing fails, nothing is awaited, nothing is limited: it is how fast the way itself is.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Done, TaskPool } from "./contender.js";

const batchSize = 256;
const batchesUnderWay = 2;

interface Entry {
  readonly payload: unknown;
  readonly done: Done;
}

export async function openRaw(threads: number): Promise<TaskPool> {
  const workers = Array.from({ length: threads }, () => new RawWorker());
  await Promise.all(workers.map(({ worker }) => once(worker, "online")));
  let queue: Entry[] = [];
  let head = 0;
  let flushing = false;

  function start(payload: unknown, done: Done): void {
    queue.push({ payload, done });
    flushSoon();
  }

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
    tiny: start,
    copy: start,
    move: (bytes, done) => {
      workers[0]?.send([{ payload: bytes, done }], flushSoon, [bytes.buffer]);
    },
    close: () => Promise.all(workers.map(({ worker }) => worker.terminate())),
  };
}

class RawWorker {
  readonly worker = new Worker(new URL("../../threads/raw.js", import.meta.url));
  readonly underWay: { batch: readonly Entry[]; whenFree(): void }[] = [];

  constructor() {
    this.worker.on("message", (results: number[]) => {
      const ended = this.underWay.shift();
      for (const [index, { done }] of (ended?.batch ?? []).entries()) done(results[index]);
      ended?.whenFree();
    });
  }

  send(batch: readonly Entry[], whenFree: () => void, transfer: ArrayBuffer[] = []): void {
    this.underWay.push({ batch, whenFree });
    this.worker.postMessage(
      batch.map(({ payload }) => payload),
      transfer,
    );
  }
}

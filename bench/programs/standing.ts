// What an offloader takes while it does nothing: its start, its idle time, and responses that have not ended. Run with --expose-gc.
import { once } from "node:events";
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { createOffloader, type Offloader } from "offload-after-response";
import { answer } from "../harness/answer.js";
import type * as tasks from "../threads/tasks.js";

export type Holder = "offload-after-response" | "a bare Worker" | 'res.once("finish")' | "nothing";

let opened: Offloader<typeof tasks> | undefined;
const key = "photos/2024/05/17.jpg";

answer({
  /** Resolves to the ms until one thread has done its first task. */
  async start(holder: Holder): Promise<number> {
    const startedAt = performance.now();
    if (holder === "offload-after-response") {
      await open().run("tiny", { n: 0, key });
    } else if (holder === "a bare Worker") {
      const worker = new Worker(new URL("../threads/raw.js", import.meta.url));
      worker.postMessage({ names: ["tiny"], payloads: [{ n: 0, key }] });
      await once(worker, "message");
    }
    return performance.now() - startedAt;
  },
  /** Resolves to the us of CPU of the whole process in each second of so many ms in which nothing happens. */
  async idle(ms: number): Promise<number> {
    // What the start has left is over before the clock starts.
    await sleep(300);
    const before = process.cpuUsage();
    await sleep(ms);
    const { user, system } = process.cpuUsage(before);
    return ((user + system) * 1_000) / ms;
  },
  /** Resolves to the bytes of heap for each of so many responses that have a task waiting for their end. */
  held({ holder, count }: { holder: Holder; count: number }): number {
    const responses = Array.from({ length: count }, () => new ServerResponse(new IncomingMessage(new Socket())));
    const { offloadAfterResponse } = opened ?? open();
    const before = heap();
    for (const [n, res] of responses.entries()) {
      if (holder === "offload-after-response") offloadAfterResponse(res, "tiny", { n, key });
      else if (holder === 'res.once("finish")') res.once("finish", () => ({ n, key }));
    }
    return (heap() - before) / responses.length;
  },
});

function open(): Offloader<typeof tasks> {
  opened = createOffloader<typeof tasks>({
    tasks: new URL("../threads/tasks.js", import.meta.url),
    pool: { minThreads: 1, maxThreads: 1 },
    queue: { max: Number.POSITIVE_INFINITY },
    logger: false,
  });
  return opened;
}

function heap(): number {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

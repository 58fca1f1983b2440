// A process with tasks left to do that is told to end: it drains them and exits. Tasks sleep or wait, so that the number of cores
// does not matter.
import { once } from "node:events";
import http from "node:http";
import { Worker } from "node:worker_threads";
import { createOffloader } from "offload-after-response";
import { answer } from "../harness/answer.js";
import type * as tasks from "../threads/tasks.js";

/** `sleep` keeps its thread, as work does; `wait` leaves it free, as I/O does. */
export type Kind = "sleep" | "wait";

export interface DrainOrder {
  readonly threads: number;
  readonly tasks: number;
  readonly kind: Kind;
  readonly taskMs: number;
}

const bareTasks = 20;

answer({
  /** Resolves when all is queued and every thread is busy. */
  async open({ threads, tasks: count, kind, taskMs }: DrainOrder): Promise<void> {
    const offloader = createOffloader<typeof tasks>({
      tasks: new URL("../threads/tasks.js", import.meta.url),
      pool: { minThreads: threads, maxThreads: threads },
      queue: { max: Number.POSITIVE_INFINITY },
      logger: false,
    });
    const server = http.createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    offloader.shutdownOnSignals(server, { timeout: 120_000 });
    await offloader.ready();
    // So that the time of the task is known, as in a process that has run for a while.
    await Promise.all(Array.from({ length: threads * 2 }, () => offloader.run(kind, { ms: taskMs })));
    for (let i = 0; i < count; i++) offloader.offload(kind, { ms: taskMs });
  },
  /** Resolves to the ms that one task takes in a thread that does nothing but one after the other. A timer of 2 ms takes more. */
  async bare({ kind, taskMs }: DrainOrder): Promise<number> {
    const tasks = JSON.stringify(new URL("../threads/tasks.js", import.meta.url));
    const code = `
      import(${tasks}).then(async ({ ${kind}: run }) => {
        const startedAt = performance.now();
        for (let i = 0; i < ${bareTasks}; i++) await run({ ms: ${taskMs} });
        require("node:worker_threads").parentPort.postMessage((performance.now() - startedAt) / ${bareTasks});
      });
    `;
    const [ms] = await once(new Worker(code, { eval: true }), "message");
    return ms;
  },
});

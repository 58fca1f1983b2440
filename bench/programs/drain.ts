// A process with tasks left to do that is told to end: it drains them and exits. Tasks sleep, so that the number of cores
// does not matter and the ideal is known.
import { once } from "node:events";
import http from "node:http";
import { createOffloader } from "offload-after-response";
import { answer } from "../harness/answer.js";
import type * as tasks from "../threads/tasks.js";

export interface DrainOrder {
  readonly threads: number;
  readonly tasks: number;
  readonly taskMs: number;
}

let workMs = 0;
let drained = (_workMs: number): void => {};

answer({
  /** Resolves when all is queued and every thread is busy. */
  async open({ threads, tasks: count, taskMs }: DrainOrder): Promise<void> {
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
    await Promise.all(Array.from({ length: threads * 2 }, () => offloader.run("sleep", { ms: taskMs })));
    offloader.on("succeeded", ({ runMs = 0 }) => {
      workMs += runMs;
    });
    offloader.on("drained", () => drained(workMs));
    for (let i = 0; i < count; i++) offloader.offload("sleep", { ms: taskMs });
  },
  /** Resolves, while the process is already on its way out, to the ms that the tasks ran. */
  work: () =>
    new Promise<number>((resolve) => {
      drained = resolve;
    }),
});

// What a task costs that is kept by hand, for the benchmarks of routes: between a bare message, which keeps nothing, and a library.
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { Worker } from "node:worker_threads";

/**
 * The least that a library which reports every task can do: an async context for each request, a record with the times and the state
 * of each task, both ends that a response can have, one message a turn, and one answer that tells how each task has ended. There is
 * no limit, priority, key, retry, timeout, event or drain, and a payload that cannot be sent takes the other tasks with it.
 */
export async function tasksByHand(key) {
  const storage = new AsyncLocalStorage();
  subscribe("http.server.request.start", ({ response }) => storage.enterWith(response));
  const code = `
    const { parentPort } = require("node:worker_threads");
    const run = (payload) => undefined;
    parentPort.on("message", (all) => parentPort.postMessage(all.map(({ id, payload }) => ({ id, result: run(payload) }))));
  `;
  const thread = new Worker(code, { eval: true });
  await once(thread, "online");
  const unfinished = new Map();
  let ids = 0;
  let queue = [];
  let done = () => {};
  thread.on("message", (ended) => {
    const endedAt = performance.now();
    for (const { id, result } of ended) {
      const task = unfinished.get(id);
      unfinished.delete(id);
      task.state = "succeeded";
      task.endedAt = endedAt;
      task.result = result;
    }
    if (unfinished.size === 0) done();
  });
  const flush = () => {
    const startedAt = performance.now();
    for (const task of queue) {
      task.state = "running";
      task.startedAt = startedAt;
    }
    thread.postMessage(queue.map(({ id, payload }) => ({ id, payload })));
    queue = [];
  };
  return {
    leave(res, n) {
      const task = {
        id: ids++,
        state: "held",
        payload: { n, key },
        acceptedAt: performance.now(),
        releasedAt: 0,
        startedAt: 0,
        endedAt: 0,
        result: undefined,
      };
      unfinished.set(task.id, task);
      const over = () => {
        res.off("finish", over);
        res.off("close", over);
        task.state = "queued";
        task.releasedAt = performance.now();
        if (queue.push(task) === 1) setImmediate(flush);
      };
      res.on("finish", over);
      res.on("close", over);
    },
    settled: () =>
      unfinished.size === 0
        ? undefined
        : new Promise((resolve) => {
            done = resolve;
          }),
    close: () => thread.terminate(),
  };
}

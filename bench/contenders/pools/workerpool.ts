// workerpool: `exec()` for each task, with a dedicated worker.
import { fileURLToPath } from "node:url";
import workerpool from "workerpool";
import { greeting, type TaskPool } from "./contender.js";

export async function openWorkerpool(threads: number): Promise<TaskPool> {
  const script = fileURLToPath(new URL("../../threads/workerpool.js", import.meta.url));
  const pool = workerpool.pool(script, { workerType: "thread", minWorkers: threads, maxWorkers: threads });
  await Promise.all(Array.from({ length: threads }, () => pool.exec("tiny", [greeting])));
  return {
    start(name, payload, done, transfer) {
      void (transfer ? pool.exec(name, [payload], { transfer }) : pool.exec(name, [payload])).then(done, done);
    },
    close: () => pool.terminate(true),
  };
}

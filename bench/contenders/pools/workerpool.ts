// workerpool: `exec()` for each task, with a dedicated worker.
import { fileURLToPath } from "node:url";
import workerpool from "workerpool";
import type { TaskPool } from "./contender.js";

export async function openWorkerpool(threads: number): Promise<TaskPool> {
  const script = fileURLToPath(new URL("../../threads/workerpool.js", import.meta.url));
  const pool = workerpool.pool(script, { workerType: "thread", minWorkers: threads, maxWorkers: threads });
  await Promise.all(Array.from({ length: threads }, () => pool.exec("tiny", [{ n: 1, key: "" }])));
  return {
    tiny: (payload, done) => void pool.exec("tiny", [payload]).then(done),
    copy: (bytes, done) => void pool.exec("touch", [bytes]).then(done),
    move: (bytes, done) => void pool.exec("touch", [bytes], { transfer: [bytes.buffer] }).then(done),
    close: async () => pool.terminate(true),
  };
}

// workerpool by hand: `exec()` once the answer has left.
import { fileURLToPath } from "node:url";
import workerpool from "workerpool";
import type { ExpressContender } from "./contender.js";

export async function openWorkerpool(threads: number): Promise<ExpressContender> {
  const script = fileURLToPath(new URL("../../threads/workerpool.js", import.meta.url));
  const pool = workerpool.pool(script, { workerType: "thread", minWorkers: threads, maxWorkers: threads });
  await Promise.all(Array.from({ length: threads }, () => pool.exec("work", [{ key: "", iterations: 0 }])));
  let completed = 0;
  return {
    handle(_req, res, payload) {
      res.once("finish", () => {
        pool.exec("work", [payload]).then(
          () => completed++,
          (error) => console.error(error),
        );
      });
      res.status(202).json({ key: payload.key });
    },
    completed: () => completed,
    close: () => pool.terminate(true),
  };
}

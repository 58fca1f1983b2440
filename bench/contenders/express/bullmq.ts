// BullMQ: a job in Redis, added before the answer leaves, since only then is it known to be accepted. A worker process of its
// own runs sandboxed processors, as many at a time as the others have threads.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Queue } from "bullmq";
import { startRedis } from "../../harness/redis.js";
import type { ExpressContender } from "./contender.js";

export async function openBullmq(threads: number): Promise<ExpressContender> {
  const redis = await startRedis();
  const connection = { host: "127.0.0.1", port: redis.port };
  const queue = new Queue("work", { connection });
  const program = fileURLToPath(new URL("../../programs/bullmq-worker.js", import.meta.url));
  const worker = fork(program, [String(redis.port), String(threads)]);
  await once(worker, "message");
  return {
    async handle(_req, res, payload) {
      await queue.add("work", payload);
      res.status(202).json({ key: payload.key });
    },
    completed: () => queue.getCompletedCount(),
    async close() {
      worker.kill("SIGTERM");
      await once(worker, "exit");
      await queue.close();
      redis.stop();
    },
  };
}

// poolifier: `execute()` for each task, on a fixed pool of threads.
import { fileURLToPath } from "node:url";
import { FixedThreadPool } from "poolifier";
import { greeting, type TaskPool } from "./contender.js";

export async function openPoolifier(threads: number): Promise<TaskPool> {
  const script = fileURLToPath(new URL("../../threads/poolifier.js", import.meta.url));
  const pool = new FixedThreadPool<unknown, unknown>(threads, script, {
    errorHandler: (error) => console.error(error),
  });
  await Promise.all(Array.from({ length: threads }, () => pool.execute(greeting)));
  return {
    start(name, payload, done, transfer) {
      void (name === "tiny" ? pool.execute(payload) : pool.execute(payload, name, undefined, transfer)).then(
        done,
        done,
      );
    },
    close: () => pool.destroy(),
  };
}

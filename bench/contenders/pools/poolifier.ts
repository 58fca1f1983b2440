// poolifier: `execute()` for each task, on a fixed pool of threads.
import { fileURLToPath } from "node:url";
import { FixedThreadPool } from "poolifier";
import type { TaskPool, TinyPayload } from "./contender.js";

export async function openPoolifier(threads: number): Promise<TaskPool> {
  const script = fileURLToPath(new URL("../../threads/poolifier.js", import.meta.url));
  const pool = new FixedThreadPool<TinyPayload | Uint8Array, number>(threads, script, {
    errorHandler: (error) => console.error(error),
  });
  await Promise.all(Array.from({ length: threads }, () => pool.execute({ n: 1, key: "" })));
  return {
    tiny: (payload, done) => void pool.execute(payload).then(done),
    copy: (bytes, done) => void pool.execute(bytes, "touch").then(done),
    move: (bytes, done) => void pool.execute(bytes, "touch", undefined, [bytes.buffer]).then(done),
    close: () => pool.destroy(),
  };
}

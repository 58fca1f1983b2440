// tinypool: `run()` for each task.
import { Tinypool } from "tinypool";
import type { Done, TaskPool } from "./contender.js";

export async function openTinypool(threads: number): Promise<TaskPool> {
  const pool = new Tinypool({
    filename: new URL("../../threads/piscina.js", import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
  });
  const start = (done: Done, ...args: Parameters<typeof pool.run>) => void pool.run(...args).then(done);
  await Promise.all(Array.from({ length: threads }, () => pool.run({ n: 1, key: "" })));
  return {
    tiny: (payload, done) => start(done, payload),
    copy: (bytes, done) => start(done, bytes, { name: "touch" }),
    move: (bytes, done) => start(done, bytes, { name: "touch", transferList: [bytes.buffer] }),
    close: () => pool.destroy(),
  };
}

// tinypool: `run()` for each task.
import { Tinypool } from "tinypool";
import { greeting, type TaskPool } from "./contender.js";

export async function openTinypool(threads: number): Promise<TaskPool> {
  const pool = new Tinypool({
    filename: new URL("../../threads/piscina.js", import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
  });
  await Promise.all(Array.from({ length: threads }, () => pool.run(greeting)));
  return {
    start(name, payload, done, transferList) {
      void (name === "tiny" ? pool.run(payload) : pool.run(payload, { name, transferList })).then(done, done);
    },
    close: () => pool.destroy(),
  };
}

// Piscina: `run()` for each task.
import { Piscina } from "piscina";
import type { Done, TaskPool } from "./contender.js";

/** Piscina with its defaults. */
export function openPiscina(threads: number): Promise<TaskPool> {
  return open(threads, {});
}

/** Piscina without its synchronous waiting, in which the timers and sockets of an idle thread stand still. */
export function openPiscinaAsync(threads: number): Promise<TaskPool> {
  return open(threads, { atomics: "disabled" });
}

async function open(threads: number, options: { atomics?: "disabled" }): Promise<TaskPool> {
  const pool = new Piscina({
    filename: new URL("../../threads/piscina.js", import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
    ...options,
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

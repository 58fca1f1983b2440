// Piscina: `run()` for each task.
import { Piscina } from "piscina";
import { greeting, type TaskPool } from "./contender.js";

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
  await Promise.all(Array.from({ length: threads }, () => pool.run(greeting)));
  return {
    start(name, payload, done, transferList) {
      void (name === "tiny" ? pool.run(payload) : pool.run(payload, { name, transferList })).then(done, done);
    },
    close: () => pool.destroy(),
  };
}

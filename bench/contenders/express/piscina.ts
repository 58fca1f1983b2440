// Piscina by hand: `run()` once the answer has left.
import { Piscina } from "piscina";
import type { ExpressContender, OpenExpress } from "./contender.js";

export const openPiscina: OpenExpress = (threads) => open(threads);

/** The same with threads that yield to the main thread where both want a core. */
export const openNicedPiscina: OpenExpress = (threads) => open(threads, 5);

async function open(threads: number, niceIncrement = 0): Promise<ExpressContender> {
  const pool = new Piscina({
    filename: new URL("../../threads/piscina.js", import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
    niceIncrement,
  });
  await Promise.all(Array.from({ length: threads }, () => pool.run({ key: "", iterations: 0 }, { name: "work" })));
  let completed = 0;
  let closing = false;
  return {
    handle(_req, res, payload) {
      res.once("finish", () => {
        pool.run(payload, { name: "work" }).then(
          () => completed++,
          // What has not run when the pool is closed fails, and is no news.
          (error) => closing || console.error(error),
        );
      });
      res.status(202).json({ key: payload.key });
    },
    completed: () => completed,
    close() {
      closing = true;
      return pool.destroy();
    },
  };
}

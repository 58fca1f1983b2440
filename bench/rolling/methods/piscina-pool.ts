// For methods that know servers alone: the tasks run on Piscina, and are drained as its documentation says, by close().
import type { ServerResponse } from "node:http";
import { Piscina } from "piscina";
import type { Order } from "../tasks.js";

const pool = new Piscina({
  filename: new URL("../tasks.ts", import.meta.url).href,
  name: "fulfil",
  maxThreads: 2,
  concurrentTasksPerWorker: 50,
});

export function dispatchToPiscina(res: ServerResponse, order: Order): void {
  res.once("close", () => {
    pool.run(order).catch((error: unknown) => console.error(error));
  });
}

export function closePiscina(): Promise<void> {
  return pool.close();
}

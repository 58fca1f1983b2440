import { appendFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

/**
 * @param {{ n: string }} payload
 * @param {import("offload-after-response").TaskContext} task
 */
export async function write({ n }, task) {
  await setTimeout(50);
  appendFileSync(process.env.OUTPUT ?? "output.txt", `${n} ${task.id}\n`);
}

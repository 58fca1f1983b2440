import { appendFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

export async function write({ n }, task) {
  await setTimeout(50);
  appendFileSync(process.env.OUTPUT, `${n} ${task.id}\n`);
}

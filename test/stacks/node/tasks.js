import { appendFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";

export async function write({ n }) {
  await setTimeout(20);
  await appendFile(process.env.OUTPUT, `${n}\n`);
}

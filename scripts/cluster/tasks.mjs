// The task of the cluster: it writes the number that it is given, and a number is written once for each run.
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export async function note({ n, ms }) {
  await sleep(ms);
  appendFileSync(process.env.RAN, `${n}\n`);
}

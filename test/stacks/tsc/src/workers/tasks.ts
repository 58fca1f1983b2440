import { appendFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { onTeardown } from "offload-after-response/worker";
import { line } from "../line.js";

onTeardown(() => {});

export async function write({ n }: { n: string }) {
  await setTimeout(20);
  await appendFile(String(process.env.OUTPUT), line(n));
}

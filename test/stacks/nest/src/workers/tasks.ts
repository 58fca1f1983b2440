import { appendFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import type { TaskContext } from "offload-after-response";

export async function write({ n }: { n: string }, task: TaskContext): Promise<void> {
  await setTimeout(50);
  appendFileSync(process.env.OUTPUT ?? "output.txt", `${n} ${task.id}\n`);
}

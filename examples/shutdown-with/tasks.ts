// The tasks module of these examples.
import { appendFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** Takes half a second, then writes a line to the file that NOTES names. */
export async function note({ text }: { text: string }): Promise<void> {
  await sleep(500);
  await appendFile(process.env.NOTES ?? "notes.txt", `${text}\n`);
}

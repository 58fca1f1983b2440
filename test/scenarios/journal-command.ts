// Asks the built command line what is in a journal.
import { execFileSync } from "node:child_process";
import path from "node:path";
import type { DeadLetter } from "offload-after-response";

const cli = path.join(import.meta.dirname, "../../dist/cli.js");

export function deadLettersIn(dir: string): DeadLetter[] {
  const json = execFileSync(process.execPath, [cli, "journal", dir, "ls", "--json"], { encoding: "utf8" });
  return (JSON.parse(json) as { deadLetters: DeadLetter[] }).deadLetters;
}

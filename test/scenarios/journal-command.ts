// Asks the built command line what is in a journal.
import { execFileSync } from "node:child_process";
import path from "node:path";
import type { DeadLetter } from "offload-after-response";

const cli = path.join(import.meta.dirname, "../../dist/cli.cjs");

/** What a command prints. */
export function runCommand(dir: string, ...args: string[]): string {
  return execFileSync(process.execPath, [cli, "journal", dir, ...args], { encoding: "utf8" });
}

export function deadLettersIn(dir: string): DeadLetter[] {
  const json = runCommand(dir, "ls", "--json");
  return (JSON.parse(json) as { deadLetters: DeadLetter[] }).deadLetters;
}

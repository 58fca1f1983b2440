// The process of a contender: started, and opened in its directory.
import { mkdirSync } from "node:fs";
import path from "node:path";
import type { StoreOptions } from "../../contenders/stores/contender.js";
import { Program } from "../../harness/program.js";
import type { Participants } from "./participants.js";

export type Opening = Omit<StoreOptions, "installed">;

/** @param options.dir made if it is not there */
export async function openProcess(
  contender: string,
  { installed, nodes }: Participants,
  options: Opening,
): Promise<Program> {
  mkdirSync(options.dir, { recursive: true });
  // That node:sqlite is experimental is said by the Node.js versions in which it is.
  const execArgv = ["--disable-warning=ExperimentalWarning"];
  const program = new Program("stores", { execArgv, node: nodes[contender] });
  await program.ask("open", { contender, installed, ...options } satisfies StoreOptions & { contender: string });
  return program;
}

/** Each has one of its own below the folder `base`. */
export function directoryOf(contender: string, base: string, { names }: Participants): string {
  return path.join(base, String(names.indexOf(contender)));
}

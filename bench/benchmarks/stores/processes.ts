// The process of a contender: started, and opened in its directory.
import { mkdirSync } from "node:fs";
import path from "node:path";
import type { StoreOptions } from "../../contenders/stores/contender.js";
import { Program } from "../../harness/program.js";
import type { Participants } from "./participants.js";

/** @param options.dir made if it is not there; its parent has to be */
export async function openProcess(
  contender: string,
  { installed, nodes }: Participants,
  options: Omit<StoreOptions, "installed">,
): Promise<Program> {
  mkdirSync(options.dir, { recursive: true });
  // That node:sqlite is experimental is said by the Node.js versions in which it is.
  const execArgv = ["--disable-warning=ExperimentalWarning"];
  const program = new Program("stores", { execArgv, node: nodes[contender] });
  await program.ask("open", { contender, installed, ...options } satisfies StoreOptions & { contender: string });
  return program;
}

/** A directory for each contender, below one folder. */
export function directories(base: string, names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name, index) => [name, path.join(base, String(index))]));
}

// Starts the server of the shutdown scenarios, and reads what it left behind.
import { readFileSync } from "node:fs";
import path from "node:path";
import type { ShutdownReport } from "offload-after-response";
import { makeDirectory } from "../support/directory.js";
import { type Exit, type Program, type ProgramOptions, startProgram } from "../support/process.js";
import type { Situation } from "./fixtures/shutdown-app.js";

const folder = makeDirectory("shutdown");
let ledgers = 0;

export interface App extends Program {
  /** Sends a request and returns the body of its answer. */
  get(path: string): Promise<string>;
  /** What its tasks have written, a line each. */
  ledger(): string[];
  /** Waits for the end: how it exited, and its report. */
  end(): Promise<Exit & { report: ShutdownReport }>;
}

/** Starts the server in a situation. Its platform is none: no drain delay, no warnings, unless `env` says otherwise. */
export async function startApp(situation: Situation, options: ProgramOptions = {}): Promise<App> {
  ledgers += 1;
  const file = path.join(folder, String(ledgers));
  const program = await startProgram("test/scenarios/fixtures/shutdown-app.ts", {
    ...options,
    args: [JSON.stringify({ ...situation, shutdown: { platformGrace: 600_000, ...situation.shutdown } })],
    env: { KUBERNETES_SERVICE_HOST: undefined, LEDGER: file, ...options.env },
    ready: /^(?:ready|listening (\d+))$/m,
  });
  return Object.assign(program, {
    get: async (route: string) => (await fetch(`${program.url}${route}`)).text(),
    ledger: () => linesOf(file),
    async end() {
      const exit = await program.exited;
      const [, json] = exit.stdout.match(/^report (.*)$/m) ?? [];
      if (json === undefined) throw new Error(`no report in:\n${program.output}`);
      return { ...exit, report: JSON.parse(json) as ShutdownReport };
    },
  });
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n");
  } catch {
    // No task has ended.
    return [];
  }
}

// The program of the deployment examples as a platform runs it: in a folder of its own, with the environment that the
// platform's files and the platform itself give it, from its start to its orderly end.
import { cpSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { makeDirectory } from "../support/directory.js";
import { type Program, type ProgramOptions, startProgram } from "../support/process.js";

const root = path.join(import.meta.dirname, "../..");
const examples = path.join(root, "examples/deploy");

/** The text of a file of the examples. */
export function example(file: string): string {
  return readFileSync(path.join(examples, file), "utf8");
}

const folder = makeDirectory("deployed");

/** Where the program lies, with its packages beside it. The library is the one built here. */
export const appFolder: string = path.join(folder, "app");
cpSync(path.join(examples, "app"), appFolder, { recursive: true });
mkdirSync(path.join(appFolder, "node_modules"));
symlinkSync(root, path.join(appFolder, "node_modules/offload-after-response"), "dir");
symlinkSync(path.join(root, "node_modules/express"), path.join(appFolder, "node_modules/express"), "dir");

// By these the library recognises a platform; the machine that runs the tests may have some of them itself.
const marks = ["KUBERNETES_SERVICE_HOST", "pm_id", "K_SERVICE", "K_REVISION", "FLY_APP_NAME", "DYNO"];
const nothing = Object.fromEntries(
  [...marks, "SHUTDOWN_TIMEOUT_MS", "DRAIN_DELAY_MS", "PLATFORM_GRACE_MS"].map((name) => [name, undefined]),
);

/** Starts the program with this environment and nothing of a platform's besides. */
export function startDeployed(env: Readonly<Record<string, string>>, options: ProgramOptions = {}): Promise<Program> {
  return startProgram(path.join(appFolder, "server.js"), {
    execArgv: [],
    cwd: appFolder,
    ...options,
    env: { ...nothing, ...env, PORT: "0" },
  });
}

/** What the files of a platform come to. */
export interface Deployment {
  /** What the files set for the program. */
  readonly env: Readonly<Record<string, string>>;
  /** What the platform sets by itself. */
  readonly platformEnv?: Readonly<Record<string, string>>;
  /** What the platform starts. */
  readonly command: readonly string[];
  /** With what it ends it, and how long it then waits until SIGKILL, in ms. */
  readonly signal: NodeJS.Signals;
  readonly grace: number;
  /** The paths that the platform asks. */
  readonly readinessPaths: readonly string[];
  readonly livenessPaths: readonly string[];
  readonly ipc?: boolean;
}

/**
 * Follows one life of the program: it starts without a warning about its plan, answers what the platform asks, and after the
 * signal finishes what it has accepted, within the platform's time.
 */
export async function expectOrderlyLife(deployment: Deployment): Promise<void> {
  const { env, platformEnv, command, signal, grace, readinessPaths, livenessPaths, ipc = false } = deployment;
  expect([path.basename(command[0] ?? ""), ...command.slice(1)]).toEqual(["node", "server.js"]);
  // The default of the library is what a file means that sets nothing.
  expect(Number(env.SHUTDOWN_TIMEOUT_MS ?? 25_000)).toBeLessThan(grace);

  const program = await startDeployed({ ...env, ...platformEnv }, { ipc });
  expect(program.output).not.toMatch(/\] (warn|error): /);
  const status = async (probe: string) => (await fetch(`${program.url}${probe}`)).status;
  for (const probe of [...readinessPaths, ...livenessPaths]) expect([probe, await status(probe)]).toEqual([probe, 200]);
  const ordered = await fetch(`${program.url}/orders/4711`, { method: "POST" });
  expect(ordered.status).toBe(202);

  const signalledAt = performance.now();
  program.kill(signal);
  await program.waitFor(/shutdown leaving/);
  if (Number(env.DRAIN_DELAY_MS ?? 0) > 0) {
    for (const probe of readinessPaths) expect([probe, await status(probe)]).toEqual([probe, 503]);
    for (const probe of livenessPaths) expect([probe, await status(probe)]).toEqual([probe, 200]);
  }
  const { code, stdout, stderr } = await program.exited;
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining("shutdown ended") });
  expect(stdout).toContain("receipt written: 4711");
  expect(performance.now() - signalledAt).toBeLessThan(grace);
}

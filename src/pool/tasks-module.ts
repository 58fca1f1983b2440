// Where the tasks module is, and what a thread needs to load it: in development its TypeScript source stands in.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { isAbsolute } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { OffloadError } from "../task/errors.js";

export interface TasksModule {
  readonly url: string;
  /** Why it cannot be loaded, as far as that can be told without trying. */
  readonly problem?: OffloadError | undefined;
  /** Node options for the threads; undefined: those of the process. */
  readonly execArgv: readonly string[] | undefined;
}

/** What the surroundings can do, for tests. */
export interface Abilities {
  /** Whether Node runs TypeScript by itself (from 22.18 on). */
  readonly stripsTypes: boolean;
  /** Whether the process, and with it each thread, runs under tsx already. */
  readonly runsTsx: boolean;
  /** The URL of the installed tsx, looked for from the tasks module. */
  findTsx(from: string): string | undefined;
}

const realAbilities: Abilities = {
  stripsTypes: Boolean(Reflect.get(process.features, "typescript")),
  runsTsx: process.execArgv.some((argument) => /\btsx\b/.test(argument)),
  findTsx: (from) => {
    for (const place of [from, pathToFileURL(`${process.cwd()}/`).href]) {
      try {
        return pathToFileURL(createRequire(place).resolve("tsx")).href;
      } catch {
        // Not installed there.
      }
    }
    return undefined;
  },
};

/**
 * Finds the tasks module. `images.js` that does not exist is `images.ts` where that does, natively where Node strips types,
 * else through tsx.
 *
 * @param tasks a URL, or an absolute path
 * @param execArgv the user's own Node options for the threads
 * @returns where it is; with a `problem` when the file is missing, or needs tsx and there is none
 * @throws OffloadError AR_INVALID_OPTIONS for a relative path
 */
export function findTasksModule(
  tasks: URL | string,
  execArgv: readonly string[] | undefined,
  abilities: Abilities = realAbilities,
): TasksModule {
  const url = toUrl(tasks);
  if (url.protocol !== "file:") return { url: url.href, execArgv };
  const path = fileURLToPath(url);
  const source = existsSync(path) ? path : sourceOf(path);
  if (source === undefined) {
    const problem = new OffloadError("AR_TASKS_NOT_LOADABLE", `the tasks module does not exist: ${path}`);
    return { url: url.href, execArgv, problem };
  }
  const needs = execArgv ? { execArgv } : needsOf(source, abilities);
  return { url: pathToFileURL(source).href, ...needs };
}

function toUrl(tasks: URL | string): URL {
  if (tasks instanceof URL) return tasks;
  if (/^(file|data):/.test(tasks)) return new URL(tasks);
  if (isAbsolute(tasks)) return pathToFileURL(tasks);
  throw new OffloadError(
    "AR_INVALID_OPTIONS",
    `createOffloader: expected tasks to be a URL or an absolute path, got ${JSON.stringify(tasks)}; write new URL(${JSON.stringify(tasks)}, import.meta.url)`,
  );
}

/** The TypeScript file that compiles to `path`. */
function sourceOf(path: string): string | undefined {
  const source = path.replace(/\.([cm]?)js$/, ".$1ts");
  return source !== path && existsSync(source) ? source : undefined;
}

function needsOf(path: string, abilities: Abilities): Omit<TasksModule, "url"> {
  if (!/\.[cm]?tsx?$/.test(path) || abilities.runsTsx || abilities.stripsTypes) return { execArgv: undefined };
  const tsx = abilities.findTsx(pathToFileURL(path).href);
  if (tsx !== undefined) return { execArgv: ["--import", tsx] };
  const problem = new OffloadError(
    "AR_TASKS_NOT_LOADABLE",
    `the tasks module is TypeScript, which Node ${process.versions.node} does not run: install tsx (npm i -D tsx), use Node 22.18 or later, or compile ${path}`,
  );
  return { execArgv: undefined, problem };
}

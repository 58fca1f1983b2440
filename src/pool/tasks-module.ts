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
  /** Node options under which the process itself runs. */
  readonly execArgv: readonly string[];
  /** The file that a package's name leads to from a place; undefined where it is not installed. */
  resolve(name: string, from: string): string | undefined;
}

const realAbilities: Abilities = {
  stripsTypes: Boolean(Reflect.get(process.features, "typescript")),
  execArgv: process.execArgv,
  resolve: (name, from) => {
    try {
      return createRequire(from).resolve(name);
    } catch {
      return undefined;
    }
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
  return { url: pathToFileURL(source).href, ...needsOf(source, execArgv, abilities) };
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

function needsOf(
  path: string,
  execArgv: readonly string[] | undefined,
  abilities: Abilities,
): Omit<TasksModule, "url"> {
  if (!/\.[cm]?tsx?$/.test(path)) return { execArgv };
  const chosen = execArgv ?? abilities.execArgv;
  const underTsx = chosen.find((argument) => /\btsx\b/.test(argument));
  if (underTsx === undefined && (execArgv !== undefined || abilities.stripsTypes)) return { execArgv };
  const preload = tsxPreload(path, underTsx, abilities);
  if (preload !== undefined) return { execArgv: [...(execArgv ?? []), "--import", preload] };
  const problem = new OffloadError(
    "AR_TASKS_NOT_LOADABLE",
    `the tasks module is TypeScript, which Node ${process.versions.node} does not run: install tsx (npm i -D tsx), use Node 22.18 or later, or compile ${path}`,
  );
  return { execArgv, problem };
}

/**
 * What a thread imports to run TypeScript through tsx. Not tsx itself: up to Node 20 `--import tsx` does nothing in a worker
 * thread, where it leaves the registration to the main thread.
 */
function tsxPreload(path: string, underTsx: string | undefined, { resolve }: Abilities): string | undefined {
  // The tsx that the process runs under may be one of npx, which is installed nowhere near.
  const own = underTsx !== undefined && /[\\/]tsx[\\/]/.test(underTsx) ? [underTsx] : [];
  for (const place of [...own, pathToFileURL(path).href, pathToFileURL(`${process.cwd()}/`).href]) {
    // The CommonJS form of the latter cannot be imported on Node 20; the other lies beside it.
    const apis = ["tsx/cjs/api", "tsx/esm/api"].map((name) => resolve(name, place)?.replace(/\.cjs$/, ".mjs"));
    if (apis.every((api) => api !== undefined)) {
      const lines = apis.map(
        (api, index) =>
          `import * as api${index} from ${JSON.stringify(pathToFileURL(api).href)}; api${index}.register();`,
      );
      return `data:text/javascript,${encodeURIComponent(lines.join(""))}`;
    }
  }
  return undefined;
}

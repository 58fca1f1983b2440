// What a thread needs to load the tasks module. In development that is its TypeScript source.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { OffloadError } from "../../../base/errors.js";
import type { Preload } from "../protocol.js";
import { locate } from "./locate.js";

export interface TasksModule {
  readonly url: string;
  /** Why it cannot be loaded, as far as that is known without trying. */
  readonly problem?: OffloadError | undefined;
  /** Node options for the threads; undefined: those of the process. */
  readonly execArgv: readonly string[] | undefined;
  /** What runs TypeScript in a thread. Not one of the Node options: those would take the place of the process's. */
  readonly preload?: Preload | undefined;
}

/** What Node and the installed packages can do. Tests replace it. */
export interface Abilities {
  /** Whether Node runs TypeScript by itself (from 22.18 on). */
  readonly stripsTypes: boolean;
  /** Node options under which the process itself runs. */
  readonly execArgv: readonly string[];
  /** The file that a package's name resolves to from a place; undefined where it is not installed. */
  resolve(name: string, from: string): string | undefined;
}

const realAbilities: Abilities = {
  stripsTypes: Boolean(Reflect.get(process.features, "typescript")),
  execArgv: [...(process.env.NODE_OPTIONS ?? "").split(/\s+/), ...process.execArgv],
  resolve: (name, from) => {
    try {
      return createRequire(from).resolve(name);
    } catch {
      return undefined;
    }
  },
};

/**
 * Finds the tasks module. Where `images.js` does not exist and `images.ts` does, that is loaded: by Node itself where it
 * strips types or the process has a loader for it, else through tsx.
 *
 * @param tasks as in {@link locate}
 * @param execArgv the user's own Node options for the threads
 * @returns where it is; with a `problem` when the file is missing, or needs tsx and there is none
 */
export function findTasksModule(
  tasks: URL | string,
  execArgv: readonly string[] | undefined,
  abilities: Abilities = realAbilities,
): TasksModule {
  const { url, file, problem } = locate(tasks);
  if (problem !== undefined) return { url: url.href, execArgv, problem };
  return file === undefined ? { url: url.href, execArgv } : { url: url.href, ...needsOf(file, execArgv, abilities) };
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
  const hasLoader = underTsx === undefined && chosen.some((argument) => preloadOption.test(argument));
  if (preload !== undefined) return { execArgv, preload: { url: preload, ifUnknown: hasLoader } };
  // Whatever is preloaded may be a loader. Where it is none, the thread says so.
  if (hasLoader) return { execArgv };
  const problem = new OffloadError(
    "AR_TASKS_NOT_LOADABLE",
    `the tasks module is TypeScript, which Node ${process.versions.node} does not run: ${typeScriptRemedy} ${path}`,
  );
  return { execArgv, problem };
}

const preloadOption = /^(-r|--require|--import|--loader|--experimental-loader)(=|$)/;

const typeScriptRemedy =
  "install tsx (npm i -D tsx), start Node with the option of another loader (such as --import or --require) or give it in pool.execArgv, " +
  "use Node 22.18 or later, or compile";

/**
 * What a thread imports to run TypeScript through tsx. Not tsx itself: up to Node 20, `--import tsx` leaves the registration
 * to the main thread and does nothing in a worker thread.
 */
function tsxPreload(path: string, underTsx: string | undefined, { resolve }: Abilities): string | undefined {
  // The tsx that the process runs under may come from npx and be installed in no folder above.
  const running = underTsx !== undefined && /[\\/]tsx[\\/]/.test(underTsx) ? [underTsx] : [];
  for (const place of [...running, pathToFileURL(path).href, pathToFileURL(`${process.cwd()}/`).href]) {
    // `resolve` finds the CommonJS form, which cannot be imported on Node 20. The ESM form lies beside it.
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

// V8's messages about import, export, import.meta and a top-level await in a file that is read as CommonJS.
const moduleSyntaxErrors =
  /^(Unexpected token 'export'|Cannot use import statement outside a module|Cannot use 'import\.meta' outside a module|await is only valid)/;

/**
 * The error of a module that a thread could not load. Where Node took an ES module for CommonJS, the error says which file
 * that is, why, and what to do. Node's own error only says that a token is unexpected. Where no loader runs TypeScript, or Node
 * does not run all of it, it says which options to give.
 *
 * @param reason what loading the module threw
 * @returns an OffloadError AR_TASKS_NOT_LOADABLE with `reason` as its cause; all other errors as they are
 */
export function explainLoadError({ url }: TasksModule, reason: Error): Error {
  if (/^Unknown file extension "\.[cm]?tsx?"/.test(reason.message)) {
    const message = `${reason.message}; no loader of the thread runs TypeScript: ${typeScriptRemedy} the module`;
    return new OffloadError("AR_TASKS_NOT_LOADABLE", message, { cause: reason });
  }
  if ("code" in reason && reason.code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX") {
    const message =
      `${reason.message.trim()}. Node only strips types: give the threads a loader by pool: { execArgv: ['--import', 'tsx'] }, ` +
      "compile the module, or write it without enum, namespace and parameter properties";
    return new OffloadError("AR_TASKS_NOT_LOADABLE", message, { cause: reason });
  }
  if (reason.name !== "SyntaxError" || !moduleSyntaxErrors.test(reason.message) || !url.startsWith("file:"))
    return reason;
  // It may be another file, which the module imports. V8 writes the place of a syntax error above the stack.
  const file = /^(?:file:\/\/)?(\/.+|[A-Za-z]:.+):\d+$/m.exec(reason.stack ?? "")?.[1] ?? fileURLToPath(url);
  const commonJs = whyCommonJs(file);
  if (commonJs === undefined) return reason;
  const { remedy, why } = commonJs;
  const newName = path.basename(file).replace(/\.c?([jt]sx?)$/, ".m$1");
  const tsx = /ts$/.test(file) ? ", or load it with tsx by pool: { execArgv: ['--import', 'tsx'] }" : "";
  return new OffloadError(
    "AR_TASKS_NOT_LOADABLE",
    `${file} is written as an ES module (${reason.message}), and Node reads it as CommonJS, because ${why}: ` +
      `${remedy}rename the file to ${newName}${tsx}`,
    { cause: reason },
  );
}

/** Why Node takes a file for CommonJS without looking into it, and what else helps; undefined where it does not. */
function whyCommonJs(file: string): { why: string; remedy: string } | undefined {
  if (/\.c[jt]s$/.test(file)) return { why: `its name ends with ${path.extname(file)}`, remedy: "" };
  const description = nearestPackage(path.dirname(file));
  if (description === undefined || !/\.[jt]s$/.test(file)) return undefined;
  return typeOf(description) === "commonjs"
    ? { why: `${description} has "type": "commonjs"`, remedy: 'set "type": "module" there, ' }
    : undefined;
}

function typeOf(description: string): unknown {
  try {
    const parsed: unknown = JSON.parse(readFileSync(description, "utf8"));
    return Reflect.get(Object(parsed), "type");
  } catch {
    // The file has been changed since Node read it.
    return undefined;
  }
}

/** The package.json that decides how Node reads the files of a folder. */
function nearestPackage(folder: string): string | undefined {
  const description = path.join(folder, "package.json");
  if (existsSync(description)) return description;
  const parent = path.dirname(folder);
  return parent === folder ? undefined : nearestPackage(parent);
}

// Finds the file of the tasks module: as it is given, as the source it is compiled from, or as what a bundler calls it.
import { existsSync, readdirSync } from "node:fs";
import path, { isAbsolute } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { OffloadError } from "../../../base/errors.js";
import { applicationFolders } from "./application-folders.js";

export interface Location {
  readonly url: URL;
  /** Its file; undefined for a URL that is no file, and with a problem. */
  readonly file?: string | undefined;
  /** Why there is none. */
  readonly problem?: OffloadError | undefined;
}

const advice =
  'The tasks module has to be a file of its own, also where the application is bundled: make it an entry of the bundler, and write tasks: "./workers/tasks.js", ' +
  "which is looked for in the folder of the program, in the working directory and in its src (docs/bundlers.md)";

/**
 * @param tasks a URL, an absolute path, or a path that is looked for in the folders of the application
 * @param folders those of the application. Tests give others
 */
export function locate(tasks: URL | string, folders: readonly string[] = applicationFolders()): Location {
  if (typeof tasks === "string" && !/^(file|data):/.test(tasks) && !isAbsolute(tasks)) return search(tasks, folders);
  const url = typeof tasks === "string" ? (isAbsolute(tasks) ? pathToFileURL(tasks) : new URL(tasks)) : tasks;
  if (url.protocol !== "file:") return { url };
  const asked = fileURLToPath(url);
  if (isCopyOfSource(asked)) return { url, problem: notLoadable(`${whyCopied(asked)}. ${advice}`) };
  const file = existing(asked);
  if (file !== undefined) return { url: pathToFileURL(file), file };
  return {
    url,
    problem: notLoadable(`the tasks module does not exist: ${asked} (${whatThereIs(asked, folders)}). ${advice}`),
  };
}

function search(tasks: string, folders: readonly string[]): Location {
  const places = folders.map((folder) => path.resolve(folder, tasks));
  for (const place of places) {
    const file = existing(place);
    if (file !== undefined) return { url: pathToFileURL(file), file };
  }
  const url = pathToFileURL(places[0] ?? path.resolve(tasks));
  const tried = places.length === 0 ? "nowhere" : places.join(", ");
  return {
    url,
    problem: notLoadable(`the tasks module ${JSON.stringify(tasks)} does not exist; looked for: ${tried}. ${advice}`),
  };
}

function notLoadable(message: string): OffloadError {
  return new OffloadError("AR_TASKS_NOT_LOADABLE", message);
}

/** The file, or where it does not exist: the source it is compiled from, or the output of a bundler, which chooses the extension. */
function existing(file: string): string | undefined {
  return variants(file).find((variant) => existsSync(variant));
}

function variants(file: string): string[] {
  const [, stem, kind, language] = /^(.+)\.([cm]?)([jt]s)$/.exec(file) ?? [];
  if (stem === undefined) return [file];
  const other = `${stem}.${kind}${language === "js" ? "ts" : "js"}`;
  return [file, other, ...(kind === "" ? [`${stem}.mjs`, `${stem}.cjs`] : [])];
}

/**
 * Whether a bundler has copied the source under a name of its own, as webpack does with `new URL("./tasks.js", import.meta.url)`
 * where there is tasks.ts. What the copy imports is not beside it. It works where it can be found all the same: on the machine
 * of the developer.
 */
function isCopyOfSource(file: string): boolean {
  return /^([^.]+\.)?[0-9a-f]{8,}\.[cm]?tsx?$/.test(path.basename(file)) && /\d/.test(path.basename(file));
}

function whyCopied(file: string): string {
  return `the tasks module is a copy of the source that a bundler has made of new URL(…, import.meta.url), under a name of its own and without what it imports: ${file}`;
}

/** What is in the place of the missing file, and where one of its name is. */
function whatThereIs(file: string, folders: readonly string[]): string {
  const [folder, name] = [path.dirname(file), path.basename(file)];
  const names = existsSync(folder) ? readdirSync(folder) : undefined;
  const there =
    names === undefined
      ? `there is no folder ${folder}`
      : `its folder has ${names.slice(0, 5).join(", ") || "no files"}${names.length > 5 ? " and others" : ""}`;
  const nearby = folders
    .flatMap((place) => [path.join(place, name), path.join(place, path.basename(folder), name)])
    .map(existing)
    .find((found) => found !== undefined);
  return nearby === undefined ? there : `${there}; there is ${nearby}`;
}

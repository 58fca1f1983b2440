// Finds the files that threads load.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { OffloadError } from "../../../base/errors.js";
import { applicationFolders, programFolder } from "./application-folders.js";

/** Each is a file of its own in the package, with a name that nothing of an application has. */
type LibraryFile = typeof runner | "offload-after-response-engine.cjs";

const runner = "offload-after-response-runner.cjs";

/** The file of the runner. Throws as {@link libraryFile}. */
export function runnerFile(): string {
  return libraryFile(runner);
}

/**
 * A file that a thread loads: beside this one, or, when this one has been bundled into an application, beside the application's
 * program or in the installed package.
 *
 * @throws OffloadError AR_TASKS_NOT_LOADABLE where there is none
 */
export function libraryFile(name: LibraryFile): string {
  const [here, program] = [folderOfThis(), programFolder()];
  const folders = [here, program, ...applicationFolders()].filter((folder) => folder !== undefined);
  const beside = folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file));
  const found = beside ?? folders.map((folder) => installed(folder, name)).find((file) => file !== undefined);
  if (found !== undefined) return found;
  const places = [...new Set(folders)].join(", ");
  throw new OffloadError(
    "AR_TASKS_NOT_LOADABLE",
    `offload-after-response has been bundled into the application, and the file that its threads load, ${name}, has been left behind: it is neither beside the bundle ` +
      `nor installed, as seen from ${places}. Make "offload-after-response" and "piscina" external in the bundler and install them in production` +
      (name === runner
        ? ", or use the plugin offload-after-response/esbuild or /webpack, which copies the file (docs/bundlers.md)"
        : ": the option engine cannot be bundled"),
  );
}

/** Where this code is. Within a bundle that is an ES module neither name may be known. */
function folderOfThis(): string | undefined {
  if (typeof __filename === "string") return path.dirname(__filename);
  const url: string | undefined = import.meta.url;
  return url?.startsWith("file:") ? path.dirname(fileURLToPath(url)) : undefined;
}

function installed(folder: string, name: LibraryFile): string | undefined {
  try {
    return createRequire(path.join(folder, "package.json")).resolve(`offload-after-response/${name}`);
  } catch {
    return undefined;
  }
}

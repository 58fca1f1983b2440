// Finds out whether Piscina has been bundled into the application. Its threads load a file worker.js beside its own code.
import path from "node:path";
import { Piscina } from "piscina";
import { OffloadError } from "../../../base/errors.js";

/**
 * The error that a thread could not start with, explained where Piscina has been bundled: the thread then did not find its file, or
 * was given a file of the application that is called worker.js, too.
 *
 * @param error of a thread that never answered
 * @returns undefined where Piscina is in its own package
 */
export function explainBundledPiscina(error: unknown): OffloadError | undefined {
  const file = fileOfPiscina();
  if (file === undefined || /[\\/]piscina[\\/]dist[\\/]index\.[cm]?js$/.test(file)) return undefined;
  return new OffloadError(
    "AR_TASKS_NOT_LOADABLE",
    `piscina has been bundled into ${file}, and its threads load ${path.join(path.dirname(file), "worker.js")}, which is missing or another file ` +
      `(${error instanceof Error ? error.message : String(error)}). Make "piscina" external in the bundler and install it in production, or use ` +
      "the plugin offload-after-response/esbuild or /webpack (docs/bundlers.md)",
    { cause: error },
  );
}

/** The file in which Piscina's constructor is: it throws for options that contradict each other. */
function fileOfPiscina(): string | undefined {
  const { prepareStackTrace } = Error;
  // The call sites and not the text, because a source map changes the text.
  Error.prepareStackTrace = (_error, sites) => sites.map((site) => site.getFileName()).find((name) => name);
  try {
    new Piscina({ minThreads: 2, maxThreads: 1 });
  } catch (error) {
    const file: unknown = error instanceof Error ? error.stack : undefined;
    return typeof file === "string" ? file.replace(/^file:\/\//, "") : undefined;
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
  }
  return undefined;
}

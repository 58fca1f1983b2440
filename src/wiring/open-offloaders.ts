// One offloader for each name: a framework that evaluates a module anew (a reload in development, a bundle for each kind of
// route in Next.js) gets the one that is open. Two copies of the library in one process share the list.
import type { Offloader } from "../contract.js";
import type { OffloaderOptions } from "../options.js";

/** An offloader that accepts calls, and what it was made with. */
export interface OpenOffloader {
  readonly offloader: Offloader;
  readonly options: OffloaderOptions;
  /** Whether it has not been closed by `close()`. During a shutdown of the process it is still handed on. */
  isOpen(): boolean;
  /** Logs that the options of a later call are not used. */
  warn(message: string): void;
}

// The number is the version of the contract between copies: the shape of OpenOffloader.
const key = Symbol.for("offload-after-response.offloaders/1");

const shared = globalThis as unknown as Record<symbol, Map<string, OpenOffloader> | undefined>;

/**
 * Hands on the open offloader with the same name and tasks module, or makes one.
 *
 * Without a name this is done in development alone (`NODE_ENV` is "development"), and only if the options are the same:
 * nothing else says that both calls mean one offloader.
 *
 * @param url of the tasks module
 */
export function openOffloader(options: OffloaderOptions, url: string, make: () => OpenOffloader): Offloader {
  const identity = identityOf(options, url);
  if (identity === undefined) return make().offloader;
  shared[key] ??= new Map();
  const open = shared[key];
  const earlier = open.get(identity);
  if (earlier?.isOpen()) {
    if (textOf(earlier.options) !== textOf(options)) earlier.warn(changedOptions(options.name));
    return earlier.offloader;
  }
  const made = make();
  open.set(identity, made);
  made.offloader.on("drained", () => {
    if (open.get(identity) === made) open.delete(identity);
  });
  return made.offloader;
}

/** What two calls for one offloader have in common; undefined where every call makes one. */
function identityOf(options: OffloaderOptions, url: string): string | undefined {
  if (options.name !== undefined) return JSON.stringify([options.name, url]);
  if (process.env.NODE_ENV !== "development") return undefined;
  const text = textOf(options);
  return text && JSON.stringify([url, text]);
}

/** The options as text, functions by their source; undefined if they have none. A logger is no part of it. */
function textOf({ logger: _, ...options }: OffloaderOptions): string | undefined {
  try {
    return JSON.stringify(options, (_name, value) => (typeof value === "function" ? String(value) : value));
  } catch {
    // A circle, or a bigint in workerData.
    return undefined;
  }
}

function changedOptions(name: string | undefined): string {
  return (
    `createOffloader was called again for the offloader ${JSON.stringify(name)}, which is open and is handed on; the options ` +
    "are others now and are not used: restart the process, or give the second offloader another name"
  );
}

// The uncaught exception that a process dies of. Node writes it after the `exit` listeners, so a process that ends by force in
// one of them has to write it itself.
import { inspect } from "node:util";
import { indented } from "../../base/printable.js";
import { synchronously, writeLine } from "../../base/stderr.js";

let uncaught: { readonly error: unknown } | undefined;

/** A listener of `uncaughtExceptionMonitor`. The `exit` listeners follow at once, unless something handles the exception. */
export function noteUncaught(error: unknown): void {
  const handled = process.listenerCount("uncaughtException") > 0 || process.hasUncaughtExceptionCaptureCallback();
  uncaught = handled ? undefined : { error };
}

/** Writes the exception, if there is one. */
export function writeUncaught(): void {
  if (uncaught === undefined) return;
  const { error } = uncaught;
  synchronously(() => {
    writeLine(`[offload-after-response] error: the process ends because of an uncaught exception\n${describe(error)}`);
  });
}

function describe(error: unknown): string {
  try {
    return indented(inspect(error));
  } catch {
    return "  an error that cannot be read";
  }
}

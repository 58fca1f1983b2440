// Where the library cannot keep its promise, it says so at once.
import { OffloadError } from "../base/errors.js";

/**
 * Bun 1.4 runs `node:http` on servers of its own: they are no `net.Server`, and no diagnostics channel tells of their requests. Neither
 * a drain nor the response that is being handled could be known.
 *
 * @throws OffloadError AR_UNSUPPORTED_RUNTIME
 */
export function checkRuntime(versions: Readonly<Record<string, string | undefined>> = process.versions): void {
  if (versions.bun === undefined) return;
  throw new OffloadError(
    "AR_UNSUPPORTED_RUNTIME",
    `Bun is not supported (this is ${versions.bun}): its servers of node:http are no net.Server and announce no request, so their connections cannot ` +
      "be drained and the current response is not known. Run the application with Node.js 20.19 or later, or with Deno",
  );
}

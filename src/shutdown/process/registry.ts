// One shutdown a process, also with two copies of this library in it: the copy that needs it first creates it.
import { ProcessShutdown } from "./process-shutdown.js";

// The number is the version of the contract between copies: the shape of Participant and the methods of ProcessShutdown.
const key = Symbol.for("offload-after-response.shutdown/2");

const shared = globalThis as unknown as Record<symbol, ProcessShutdown | undefined>;

/** The shutdown of this process. */
export function processShutdown(): ProcessShutdown {
  shared[key] ??= new ProcessShutdown(() => {
    delete shared[key];
  });
  return shared[key];
}

/** The same, if there is one. */
export function currentShutdown(): ProcessShutdown | undefined {
  return shared[key];
}

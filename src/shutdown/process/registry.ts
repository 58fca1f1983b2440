// One shutdown a process, also when there are two copies of this library in it: the first to need one makes it.
import { ProcessShutdown } from "./process-shutdown.js";

// With the version of the contract between copies, which is the shape of Participant and the methods of ProcessShutdown.
const key = Symbol.for("offload-after-response.shutdown/1");

const shared = globalThis as unknown as Record<symbol, ProcessShutdown | undefined>;

/** The shutdown of this process. */
export function processShutdown(): ProcessShutdown {
  shared[key] ??= new ProcessShutdown(() => {
    delete shared[key];
  });
  return shared[key];
}

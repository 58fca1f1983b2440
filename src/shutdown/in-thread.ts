// `shutdownOnSignals` of an offloader that was made in one of its own threads. A thread gets no signals: the main thread shuts
// the process down.
import type { Shutdown } from "./shutdown.js";

/** A shutdown that never begins, and is never ready. */
export function shutdownInThread(): Shutdown {
  const never = new Promise<never>(() => {});
  const notHere: Shutdown["readiness"] = (_request, response) => void response.writeHead(503).end();
  const { signal } = new AbortController();
  return {
    close: () => never,
    state: "serving",
    readiness: notHere,
    liveness: notHere,
    uninstall() {},
    done: never,
    signal,
  };
}

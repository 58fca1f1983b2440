// `shutdownOnSignals` of an offloader that was made in one of its own threads. A thread gets no signals: the main thread shuts
// the process down.
import type { Shutdown } from "./shutdown.js";

/**
 * A shutdown that never begins, and is never ready.
 *
 * @param error what `close()` rejects with: nobody must wait for what cannot begin here
 */
export function shutdownInThread(error: Error): Shutdown {
  const never = new Promise<never>(() => {});
  const notHere: Shutdown["readiness"] = (_request, response) => void response.writeHead(503).end();
  const { signal } = new AbortController();
  return {
    close: () => Promise.reject(error),
    state: "serving",
    readiness: notHere,
    liveness: notHere,
    uninstall() {},
    done: never,
    signal,
  };
}

// This library.
import { createOffloader } from "offload-after-response";
import type * as tasks from "../tasks.js";
import type { Install } from "./method.js";

export const install: Install = async (server, drainDelay) => {
  const offloader = createOffloader<typeof tasks>({
    tasks: new URL("../tasks.js", import.meta.url),
    pool: { maxThreads: 2, concurrentTasksPerThread: 50 },
  });
  const shutdown = offloader.shutdownOnSignals(server, { drainDelay, platformGrace: 60_000 });
  await offloader.ready();
  return {
    dispatch: (res, order) => void offloader.offloadAfterResponse(res, "fulfil", order),
    readyz: shutdown.readiness,
  };
};

// offload-after-response: one call in the handler.
import { createOffloader } from "offload-after-response";
import type * as tasks from "../../threads/tasks.js";
import type { ExpressContender, OpenExpress } from "./contender.js";

export const openAfterResponse: OpenExpress = (threads) => open(threads);

/** The same with threads of this niceness. At 0 they do not yield to the main thread where both want a core. */
export function openNiced(niceness: number): OpenExpress {
  return (threads) => open(threads, niceness);
}

async function open(threads: number, priority?: number): Promise<ExpressContender> {
  const { offloadAfterResponse, ...offloader } = createOffloader<typeof tasks>({
    tasks: new URL("../../threads/tasks.js", import.meta.url),
    pool: { minThreads: threads, maxThreads: threads, priority },
  });
  await offloader.ready();
  return {
    handle(_req, res, payload) {
      offloadAfterResponse(res, "work", payload);
      res.status(202).json({ key: payload.key });
    },
    completed: () => offloader.stats().succeeded,
    close: () => offloader.close(),
  };
}

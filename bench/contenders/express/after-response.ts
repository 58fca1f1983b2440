// after-response: one call in the handler.
import { createOffloader } from "after-response";
import type * as tasks from "../../threads/tasks.js";
import type { ExpressContender } from "./contender.js";

export async function openAfterResponse(threads: number): Promise<ExpressContender> {
  const { offloadAfterResponse, ...offloader } = createOffloader<typeof tasks>({
    tasks: new URL("../../threads/tasks.js", import.meta.url),
    pool: { minThreads: threads, maxThreads: threads },
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

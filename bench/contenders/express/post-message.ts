// No pool at all: a bare Worker, and a message to it once the answer has left. There is no less that work on a thread costs a
// route. Nothing is counted, limited, drained, retried or told when it fails.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { ExpressContender, Work } from "./contender.js";

/** A message for each task. */
export async function openPostMessage(): Promise<ExpressContender> {
  const thread = await startThread();
  return thread.serve((work) => thread.send([work]));
}

/** A message for all tasks that one turn of the event loop brings. */
export async function openBatchedPostMessage(): Promise<ExpressContender> {
  const thread = await startThread();
  let gathered: Work[] = [];
  const flush = () => {
    thread.send(gathered);
    gathered = [];
  };
  return thread.serve((work) => void (gathered.push(work) === 1 && setImmediate(flush)));
}

async function startThread() {
  const worker = new Worker(new URL("../../threads/raw.js", import.meta.url));
  await once(worker, "online");
  let completed = 0;
  worker.on("message", (results: readonly unknown[]) => {
    completed += results.length;
  });
  return {
    send(works: readonly Work[]): void {
      worker.postMessage({ names: works.map(() => "work"), payloads: works });
    },
    serve: (dispatch: (work: Work) => void): ExpressContender => ({
      handle(_req, res, payload) {
        res.once("finish", () => dispatch(payload));
        res.status(202).json({ key: payload.key });
      },
      completed: () => completed,
      close: () => worker.terminate(),
    }),
  };
}

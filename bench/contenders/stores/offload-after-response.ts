// offload-after-response, with its journal and without.
import path from "node:path";
import { openPool, type StoreOptions, type TaskStore } from "./contender.js";

/** Nothing is recorded: what the others cost is counted from here. */
export async function openNone({ held }: StoreOptions): Promise<TaskStore> {
  const { offload, stats, close } = await openPool(held);
  return {
    accept: (payload, done) => void offload("tiny", payload).result().then(done),
    kept: () => stats().queued,
    close,
  };
}

/** The journal with its defaults: what is accepted has been written when the call returns. */
export async function openJournal({ dir, held }: StoreOptions): Promise<TaskStore> {
  const { offload, stats, close } = await openPool(held, { journal: { dir: path.join(dir, "journal") } });
  return {
    accept: (payload, done) => void offload("tiny", payload).result().then(done),
    // Once it is ready, what an earlier process has left is back.
    kept: () => stats().queued,
    close,
  };
}

// offload-after-response, with its journal and without.
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { openPool, type StoreOptions, type TaskStore } from "./contender.js";

const betweenCountsMs = 250;

/** Nothing is recorded: what the others cost is counted from here. */
export async function openNone({ held }: StoreOptions): Promise<TaskStore> {
  const { offload, stats, close } = await openPool(held);
  return {
    accept: (payload, done) => void offload("tiny", payload).result().then(done),
    kept: () => stats().unfinished,
    close,
  };
}

/** The journal with its defaults: what is accepted has been written when the call returns. */
export async function openJournal({ dir, held }: StoreOptions): Promise<TaskStore> {
  const { offload, stats, close } = await openPool(held, { journal: { dir: path.join(dir, "journal") } });
  return {
    accept: (payload, done) => void offload("tiny", payload).result().then(done),
    async kept() {
      // What an earlier process has left comes back after ready(), some of it in each turn of the event loop.
      let unfinished = Number.NaN;
      while (unfinished !== stats().unfinished) {
        unfinished = stats().unfinished;
        await setTimeout(betweenCountsMs);
      }
      return unfinished;
    },
    ended: () => stats().succeeded,
    close,
  };
}

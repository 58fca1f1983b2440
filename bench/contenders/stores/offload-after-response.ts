// offload-after-response, with its journal and without.
import path from "node:path";
import { openPool, type StoreOptions, type TaskStore } from "./contender.js";

/** Nothing is recorded: what the others cost is counted from here. */
export async function openNone(): Promise<TaskStore> {
  const { offload, close } = await openPool();
  return {
    accept: (payload, done) => void offload("tiny", payload).result().then(done),
    close,
  };
}

/** The journal with its defaults: what is accepted has been written when the call returns. */
export async function openJournal({ dir }: StoreOptions): Promise<TaskStore> {
  const { offload, close } = await openPool({ journal: { dir: path.join(dir, "journal") } });
  return {
    accept: (payload, done) => void offload("tiny", payload).result().then(done),
    close,
  };
}

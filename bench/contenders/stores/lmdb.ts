// lmdb by hand: a put that is awaited before the dispatch, a remove at the end. What one turn puts is one transaction.
import path from "node:path";
import { open as openLmdb, type RootDatabaseOptions } from "lmdb";
import { openPool, type StoreOptions, type TaskStore } from "./contender.js";

/** With its defaults, which flush each transaction to the disk after it has been committed. */
export function openLmdbStore(options: StoreOptions): Promise<TaskStore> {
  return open(options, {});
}

/** Without flushing: like the journal and SQLite here, it asks the kernel to keep what it has, and no more. */
export function openLmdbNoSync(options: StoreOptions): Promise<TaskStore> {
  return open(options, { noSync: true });
}

async function open({ dir, held }: StoreOptions, options: RootDatabaseOptions): Promise<TaskStore> {
  const { offload, close } = await openPool(held);
  const db = openLmdb({ path: path.join(dir, "tasks"), ...options });
  let serial = 0;
  return {
    async accept(payload, done) {
      const id = ++serial;
      await db.put(id, payload);
      void offload("tiny", payload)
        .result()
        .then(() => db.remove(id))
        .then(done);
    },
    kept: () => db.getCount(),
    async close() {
      await close();
      await db.close();
    },
  };
}

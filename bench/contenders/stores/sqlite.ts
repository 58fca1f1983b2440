// SQLite by hand, whichever package brings it: an INSERT before the dispatch, a DELETE at the end, each a transaction of its
// own, as a handler that knows of one task would do it.
import { openPool, type TaskStore } from "./contender.js";

/** What the packages have in common. */
export interface Sqlite {
  exec(sql: string): unknown;
  prepare(sql: string): { run(...values: unknown[]): { lastInsertRowid: number | bigint }; all(): unknown[] };
  close(): unknown;
}

export async function openSqlite(db: Sqlite, held: boolean | undefined): Promise<TaskStore> {
  const { offload, close } = await openPool(held);
  db.exec("PRAGMA journal_mode = WAL");
  db.exec("PRAGMA synchronous = NORMAL");
  db.exec("CREATE TABLE IF NOT EXISTS tasks (id INTEGER PRIMARY KEY, payload TEXT NOT NULL)");
  const insert = db.prepare("INSERT INTO tasks (payload) VALUES (?)");
  const remove = db.prepare("DELETE FROM tasks WHERE id = ?");
  return {
    accept(payload, done) {
      const { lastInsertRowid } = insert.run(JSON.stringify(payload));
      void offload("tiny", payload)
        .result()
        .then(() => {
          remove.run(lastInsertRowid);
          done();
        });
    },
    kept: () => db.prepare("SELECT id FROM tasks").all().length,
    async close() {
      await close();
      db.close();
    },
  };
}

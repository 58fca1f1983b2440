// node:sqlite by hand, where Node.js has it: from 22.13 on without a flag.
import path from "node:path";
import type { StoreOptions, TaskStore } from "./contender.js";
import { openSqlite, type Sqlite } from "./sqlite.js";

export async function openNodeSqlite({ dir, held }: StoreOptions): Promise<TaskStore> {
  // The types are those of Node.js 20, which does not know it.
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite") as unknown as {
    DatabaseSync: new (file: string) => Sqlite;
  };
  return openSqlite(new DatabaseSync(path.join(dir, "tasks.db")), held);
}

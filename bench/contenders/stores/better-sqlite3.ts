// better-sqlite3 by hand, of the version that runs on this Node.js: bench/harness/on-demand.ts installs it.
import { createRequire } from "node:module";
import path from "node:path";
import type { StoreOptions, TaskStore } from "./contender.js";
import { openSqlite, type Sqlite } from "./sqlite.js";

export async function openBetterSqlite3({ dir, held, installed = {} }: StoreOptions): Promise<TaskStore> {
  const Database: new (file: string) => Sqlite = createRequire(import.meta.url)(installed["better-sqlite3"] ?? "");
  return openSqlite(new Database(path.join(dir, "tasks.db")), held);
}

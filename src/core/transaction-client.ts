// What a task is inserted by that is a part of the user's own transaction.

/** What the statement of a task is given to: a client of `pg`, or whatever has the same `query`; or what pg-boss takes as `db`. */
export type TransactionClient =
  | { query(text: string, values: unknown[]): Promise<unknown> }
  | { executeSql(text: string, values: unknown[]): Promise<unknown> };

export const expectedClient =
  "a client in a transaction, { query(text, values) } or { executeSql(text, values) }, and no pool";

/** Whether it has one of the two methods. A pool would give each statement to any of its connections, and so to no transaction. */
export function isTransactionClient(value: unknown): value is TransactionClient {
  if (typeof value !== "object" || value === null || "totalCount" in value) return false;
  return typeof Reflect.get(value, "query") === "function" || typeof Reflect.get(value, "executeSql") === "function";
}

// The option `transaction` of a call: what a statement can be given to.
import type { Rule } from "../../../base/option-rules.js";

/** A pool gives each statement to any of its connections, so that the task would be in no transaction. */
export const clientRule: Rule = {
  expected: "a client in a transaction, { query(text, values) } or { executeSql(text, values) }, and no pool",
  holds: isClient,
};

function isClient(value: unknown): boolean {
  if (typeof value !== "object" || value === null || "totalCount" in value) return false;
  return ["query", "executeSql"].some((method) => typeof Reflect.get(value, method) === "function");
}

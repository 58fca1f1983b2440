// The option `connection` of an engine: where the broker is, as data.
import type { Rule } from "../../base/option-rules.js";

/** A URL or options as data, because a client that is connected cannot travel to the thread of the engine. */
export const connectionRule: Rule = { expected: "a URL, or the client's options as data", holds: isConnection };

function isConnection(value: unknown): boolean {
  if (typeof value === "string") return URL.canParse(value);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return false;
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

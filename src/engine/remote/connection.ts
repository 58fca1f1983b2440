// The option `connection` of an engine: where the broker is, as data.
import type { Rule } from "../../base/option-rules.js";

/**
 * A URL or options as data, because a client that is connected cannot travel to the thread of the engine.
 *
 * @param schemes of the URL; a client takes others too, and then connects to somewhere else or for ever to nothing
 */
export function connectionRule(schemes: readonly string[]): Rule {
  const urls = schemes.map((scheme) => `${scheme}://`).join(" or ");
  return {
    expected: `a URL that begins with ${urls}, or the client's options as data`,
    holds: (value) => (typeof value === "string" ? hasScheme(value, schemes) : isData(value)),
  };
}

function hasScheme(value: string, schemes: readonly string[]): boolean {
  return URL.canParse(value) && schemes.includes(new URL(value).protocol.slice(0, -1));
}

function isData(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return false;
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

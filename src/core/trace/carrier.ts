// What travels with a task for those who trace it, from its dispatch to each of its attempts, also in another process.

/** Such as `traceparent` and `baggage`. */
export type Carrier = Readonly<Record<string, string>>;

/** So many characters at the most: `baggage` may come from a client, and each task keeps a carrier of its own. */
const mostCharacters = 8_192;

/** What subscribers have put into an object, as text: undefined if that is nothing. Fields that are no text are left out. */
export function toCarrier(filled: unknown): Carrier | undefined {
  if (typeof filled !== "object" || filled === null) return undefined;
  const carrier: Record<string, string> = {};
  let left = mostCharacters;
  let isEmpty = true;
  for (const name of Object.keys(filled)) {
    const value: unknown = Reflect.get(filled, name);
    if (typeof value !== "string" && typeof value !== "number") continue;
    const text = String(value);
    left -= name.length + text.length;
    if (left < 0) break;
    carrier[name] = text;
    isEmpty = false;
  }
  return isEmpty ? undefined : carrier;
}

// Which results travel: small ones always, large ones when somebody has asked for them. Most results are never looked at, and
// the main thread must not spend its time on reading them.

const smallBytes = 4_096;

/** Whether a result is small enough to travel unasked. */
export function isSmall(value: unknown): boolean {
  return weigh(value, smallBytes) >= 0;
}

/** What is left of `budget` bytes after `value`; negative when it is heavier. Looks no further than the budget reaches. */
function weigh(value: unknown, budget: number): number {
  if (typeof value === "string") return budget - value.length;
  if (typeof value !== "object" || value === null) return budget - 8;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return budget - value.byteLength;
  let left = budget - 16;
  const fields = value instanceof Map ? value.entries() : value instanceof Set ? value.values() : Object.values(value);
  for (const field of fields) {
    if (left < 0) return left;
    left = weigh(field, left);
  }
  return left;
}

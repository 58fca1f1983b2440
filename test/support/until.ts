// Waits for what no event tells of, such as a value in shared memory.
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Resolves once `condition` holds.
 *
 * @param what completes "waited in vain for ..."
 * @param bound ms until it counts as a failure
 */
export async function until(condition: () => boolean, what: string, bound = 20_000): Promise<void> {
  const end = performance.now() + bound;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await sleep(1);
  }
}

/** Lets the main thread do nothing, hear nothing, until `condition` holds. Throws when it does not within `bound` ms. */
export function blockUntil(condition: () => boolean, bound = 20_000): void {
  const end = performance.now() + bound;
  while (!condition()) if (performance.now() > end) throw new Error("blocked in vain");
}

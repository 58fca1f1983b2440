// Whether objects are still held by somebody: a collection on demand, and references that do not count.
import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** How many of the objects are still there once everything that can be collected has been. */
export async function survivors(references: readonly WeakRef<object>[]): Promise<number> {
  setFlagsFromString("--expose-gc");
  const gc: () => void = runInNewContext("gc");
  // A WeakRef keeps its object until the end of the turn in which it was made or asked.
  for (let round = 0; round < 3; round++) {
    await turn();
    gc();
  }
  return references.filter((reference) => reference.deref() !== undefined).length;
}

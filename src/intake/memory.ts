// How much memory this process may use, for the default of `queue.maxBytes`.
import { totalmem } from "node:os";
import { getHeapStatistics } from "node:v8";

/** Bytes: V8's heap limit, or the container's limit where that is less. */
export function memoryLimit(): number {
  // 0 or a number above all memory there is: no limit. Node 20 has it, in all its versions that are supported.
  const constrained = process.constrainedMemory?.() ?? 0;
  const container = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return Math.min(getHeapStatistics().heap_size_limit, container);
}

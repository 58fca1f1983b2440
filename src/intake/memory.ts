// How much memory this process may use, for the default of `queue.maxBytes`.
import { totalmem } from "node:os";
import { getHeapStatistics } from "node:v8";

/** What the limit is made of, in bytes. */
export interface MemoryReadings {
  /** V8's limit for the heap of this thread. */
  readonly heap: number;
  /** All memory of the machine. */
  readonly machine: number;
  /** The limit of the process's control group. Without a limit it is 0, undefined, or more than the machine has. */
  readonly container: number | undefined;
}

/** How much memory the process may use, in bytes: V8's heap limit or the container's limit, whichever is less. */
export function memoryLimit({ heap, machine, container }: MemoryReadings = readings()): number {
  return Math.min(heap, machine, container !== undefined && container > 0 ? container : machine);
}

function readings(): MemoryReadings {
  return {
    heap: getHeapStatistics().heap_size_limit,
    machine: totalmem(),
    container: process.constrainedMemory(),
  };
}

// Which thread gets the next batch.
import { batchMs } from "./batching.js";
import type { Thread } from "./pool/thread.js";
import type { ThreadPool } from "./pool/thread-pool.js";

/**
 * An idle thread, or one that runs fewer tasks than it may, or one that will soon be idle.
 *
 * @returns undefined where every thread has enough to do
 */
export function chooseThread(pool: ThreadPool, concurrentTasksPerThread: number): Thread | undefined {
  let best: Thread | undefined;
  for (const thread of pool.threads) {
    if (thread.retired || thread.exclusive || pool.capacityOf(thread) <= 0) continue;
    if (thread.busy === 0) return thread;
    // A batch is sent ahead only where it will not wait long. A millisecond of work hides the time that messages take.
    const mayTake = thread.busy < concurrentTasksPerThread || thread.expectedMs <= batchMs;
    if (mayTake && thread.busy <= concurrentTasksPerThread && (best === undefined || thread.busy < best.busy))
      best = thread;
  }
  return best;
}

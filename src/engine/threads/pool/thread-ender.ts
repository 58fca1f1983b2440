// Ends single threads: in order, after their teardown hooks, or by force. A thread that does not end by force is stuck.
import type { Logger } from "../../../base/logger.js";
import { afterFairTime } from "../../../base/time.js";
import type { ThreadEndCause } from "../../../core/events.js";
import { endsWithinMs } from "../../terminated.js";
import type { Thread, ThreadEnd } from "./thread.js";

export interface ThreadEnderParts {
  /** ms that the teardown hooks of a thread may take. */
  readonly teardownTimeout: number;
  readonly logger: Logger;
  /** A thread is in native code and was not ended by its termination. */
  readonly onStuck: (thread: Thread) => void;
}

export class ThreadEnder {
  /** They disarm the timers of the threads in their teardown. */
  readonly #teardowns = new Set<() => void>();

  constructor(private readonly parts: ThreadEnderParts) {}

  /** Lets a thread run its teardown hooks and exit; terminates it when that takes too long. */
  async end(thread: Thread, cause: ThreadEndCause): Promise<void> {
    if (thread.retired) {
      await thread.gone;
      return;
    }
    thread.retired = true;
    thread.end = { cause, reason: cause };
    thread.post({ kind: "end" });
    const { teardownTimeout, logger } = this.parts;
    const disarm = afterFairTime(teardownTimeout, () => {
      logger.warn(
        { thread: thread.id },
        `the teardown hooks of a thread took longer than pool.teardownTimeout (${teardownTimeout} ms); it is terminated`,
      );
      this.#kill(thread);
    });
    this.#teardowns.add(disarm);
    await thread.gone;
    this.#teardowns.delete(disarm);
    disarm();
  }

  /** Ends a thread at once, whatever it does. */
  terminate(thread: Thread, end: ThreadEnd): void {
    thread.retired = true;
    thread.end = end;
    this.#kill(thread);
  }

  /** Waits for no teardown any more: all threads are terminated together. */
  disarm(): void {
    for (const disarm of this.#teardowns) disarm();
  }

  #kill(thread: Thread): void {
    if (thread.killed) return;
    thread.killed = true;
    void thread.worker.terminate();
    const disarm = afterFairTime(endsWithinMs, () => this.parts.onStuck(thread));
    void thread.gone.then(disarm);
  }
}

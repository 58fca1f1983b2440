// What the ends of a task cost that are no success: to cancel queued tasks, and to try failed ones again.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { createOffloader, type Offloader } from "offload-after-response";
import { answer } from "../harness/answer.js";
import { type MainThreadTime, startMeter } from "../harness/meter.js";
import type * as tasks from "../threads/tasks.js";

export interface RetryOrder {
  readonly count: number;
  /** ms between the attempts of a task. */
  readonly backoff: number;
}

export interface RetryReading extends MainThreadTime {
  /** The longest time that the event loop was late, from when all tasks had been dispatched. */
  readonly lagMs: number;
}

const key = "photos/2024/05/17.jpg";

const offloader = createOffloader<typeof tasks>({
  tasks: new URL("../threads/tasks.js", import.meta.url),
  pool: { maxThreads: 1 },
  queue: { max: Number.POSITIVE_INFINITY },
  // A line of the log for each attempt is not what is measured.
  logger: false,
});

answer({
  open: () => offloader.ready(),
  /** Queues so many tasks behind one that has the only thread, and cancels them in the order of their dispatch. */
  async cancel(count: number): Promise<MainThreadTime> {
    const gate = await occupy(offloader);
    const handles = Array.from({ length: count }, (_, n) => offloader.offload("tiny", { n, key }));
    // What a dispatch leaves for later is over before the clock starts.
    await turn();
    const read = startMeter();
    for (const handle of handles) handle.cancel();
    // What a cancel leaves for later counts.
    await turn();
    const time = read();
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    await offloader.idle();
    return time;
  },
  /** Queues a task behind one that has the only thread, and has it replaced so many times. */
  async replace(count: number): Promise<MainThreadTime> {
    const gate = await occupy(offloader);
    const options = { key: "one photo", onDuplicate: "replace" } as const;
    offloader.offload("tiny", { n: 0, key }, options);
    await turn();
    const read = startMeter();
    for (let n = 0; n < count; n++) offloader.offload("tiny", { n, key }, options);
    await turn();
    const time = read();
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    await offloader.idle();
    return time;
  },
  /** Dispatches so many tasks, each of which fails once, and waits until all have succeeded. */
  async retry({ count, backoff }: RetryOrder): Promise<RetryReading> {
    const { succeeded } = offloader.stats();
    const delay = monitorEventLoopDelay({ resolution: 1 });
    const read = startMeter();
    for (let n = 0; n < count; n++) offloader.offload("failOnce", { n, key }, { attempts: 2, backoff });
    delay.enable();
    await offloader.idle();
    const time = read();
    delay.disable();
    const ended = offloader.stats().succeeded - succeeded;
    if (ended !== count) throw new Error(`${ended} of ${count} tasks succeeded`);
    return { ...time, lagMs: Math.max(0, delay.max / 1e6 - 1) };
  },
});

/** Resolves when the only thread runs a task that ends once the first element is 1. */
async function occupy({ on, offload }: Offloader<typeof tasks>): Promise<Int32Array> {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const started = new Promise<void>((resolve) => {
    const off = on("started", () => {
      off();
      resolve();
    });
  });
  offload("block", gate);
  await started;
  return gate;
}

// What a waiting task costs, in memory and in the time of the next dispatch. Run with --expose-gc: its first argument
// says what holds the tasks.
import { performance } from "node:perf_hooks";
import { createOffloader } from "offload-after-response";
import { Piscina } from "piscina";
import { answer } from "../harness/answer.js";
import { quantile } from "../harness/statistics.js";
import type * as tasks from "../threads/tasks.js";

/** Takes tasks that do not begin until the gate opens. */
interface Holder {
  hold(n: number): void;
  /** Lets them run; resolves when they have. */
  release(): Promise<unknown>;
}

export type HolderName = "offload-after-response" | "Piscina" | "array of payloads";

export interface DepthReading {
  /** What the heap grew by, for each task. */
  readonly heapBytes: number;
  /** What the memory of the process grew by, for each task. */
  readonly rssBytes: number;
}

export interface DispatchOrder {
  readonly waiting: number;
  readonly chunks: number;
  /** Dispatches in a chunk. */
  readonly chunk: number;
}

/** us a dispatch. */
export interface DispatchReading {
  readonly medianUs: number;
  /** With the collections of garbage that fall into some of the chunks. */
  readonly meanUs: number;
}

const key = "photos/2024/05/17.jpg";

answer({
  async memory({ holder, count }: { holder: HolderName; count: number }): Promise<DepthReading> {
    const made = await make(holder);
    for (let n = 0; n < 1_000; n++) made.hold(n);
    const before = settledMemory();
    for (let n = 0; n < count; n++) made.hold(n);
    const after = settledMemory();
    return {
      heapBytes: (after.heapUsed - before.heapUsed) / count,
      rssBytes: (after.rss - before.rss) / count,
    };
  },
  async dispatch({ waiting, chunks, chunk }: DispatchOrder): Promise<DispatchReading> {
    const offloader = await make("offload-after-response");
    const times: number[] = [];
    let held = 0;
    for (let i = 0; i < chunks + 1; i++) {
      while (held < waiting) offloader.hold(held++);
      const startedAt = performance.now();
      for (let n = 0; n < chunk; n++) offloader.hold(n);
      times.push(((performance.now() - startedAt) * 1_000) / chunk);
      held += chunk;
      // A short queue must be short again for the next chunk.
      if (held > waiting * 2) {
        await offloader.release();
        held = 0;
      }
    }
    times.shift();
    return { medianUs: quantile(times, 0.5), meanUs: times.reduce((sum, us) => sum + us) / chunks };
  },
});

async function make(holder: HolderName): Promise<Holder> {
  if (holder === "Piscina") return holdInPiscina();
  if (holder === "offload-after-response") return holdInAfterResponse();
  const waiting: object[] = [];
  return {
    hold: (n) => void waiting.push({ n, key }),
    release: async () => waiting.splice(0),
  };
}

async function holdInAfterResponse(): Promise<Holder> {
  const offloader = createOffloader<typeof tasks>({
    tasks: new URL("../threads/tasks.js", import.meta.url),
    pool: { maxThreads: 1 },
    queue: { max: Number.POSITIVE_INFINITY },
  });
  await offloader.ready();
  for (let n = 0; n < 200_000; n++) offloader.offload("tiny", { n, key });
  await offloader.idle();
  let gate = await close(offloader);
  return {
    hold: (n) => void offloader.offload("tiny", { n, key }),
    async release() {
      open(gate);
      await offloader.idle();
      gate = await close(offloader);
    },
  };
}

/** Resolves when the only thread stands before the gate. */
async function close(offloader: ReturnType<typeof createOffloader<typeof tasks>>): Promise<Int32Array> {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const started = new Promise<void>((resolve) => {
    const off = offloader.on("started", () => {
      off();
      resolve();
    });
  });
  offloader.offload("block", gate);
  await started;
  return gate;
}

function open(gate: Int32Array): void {
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
}

async function holdInPiscina(): Promise<Holder> {
  const pool = new Piscina({
    filename: new URL("../threads/piscina.js", import.meta.url).href,
    minThreads: 1,
    maxThreads: 1,
  });
  const gate = new Int32Array(new SharedArrayBuffer(4));
  await pool.run({ n: 0, key });
  void pool.run(gate, { name: "block" });
  return {
    hold: (n) => void pool.run({ n, key }),
    release: async () => open(gate),
  };
}

function settledMemory(): NodeJS.MemoryUsage {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  return process.memoryUsage();
}

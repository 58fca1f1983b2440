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

export type HolderName = "offload-after-response" | "Piscina" | "array of payloads" | "array of records";

export interface DepthReading {
  /** What the heap grew by, for each task. */
  readonly heapBytes: number;
  /** What the memory of the process grew by, for each task. */
  readonly rssBytes: number;
}

export interface DispatchOrder {
  readonly holder: HolderName;
  /** How many wait meanwhile, from the fewest to the most. */
  readonly depths: readonly number[];
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

const warmUps = 200_000;
const noFields: readonly undefined[] = [];
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
  /** At each depth in turn in one process, because processes with the same program differ by more than the depth makes. */
  async dispatch({ holder, depths, chunks, chunk }: DispatchOrder): Promise<DispatchReading[]> {
    const made = await make(holder);
    const readings: DispatchReading[] = [];
    // The first depth is measured twice, because the first chunks are those that V8 still compiles for.
    for (const waiting of [...depths.slice(0, 1), ...depths]) {
      const times: number[] = [];
      let held = 0;
      for (let i = 0; i < chunks + 1; i++) {
        while (held < waiting) made.hold(held++);
        const startedAt = performance.now();
        for (let n = 0; n < chunk; n++) made.hold(n);
        times.push(((performance.now() - startedAt) * 1_000) / chunk);
        held += chunk;
        // A short queue must be short again for the next chunk.
        if (held > waiting * 2) {
          await made.release();
          held = 0;
        }
      }
      times.shift();
      readings.push({ medianUs: quantile(times, 0.5), meanUs: times.reduce((sum, us) => sum + us) / chunks });
      if (waiting !== depths.at(-1)) await made.release();
    }
    return readings.slice(1);
  },
});

async function make(holder: HolderName): Promise<Holder> {
  if (holder === "Piscina") return holdInPiscina();
  if (holder === "offload-after-response") return holdInAfterResponse();
  if (holder === "array of records") return holdRecords();
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
  for (let n = 0; n < warmUps; n++) offloader.offload("tiny", { n, key });
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

/** As many bytes as a waiting task of ours has beside its payload: 24 fields, and its place in the array. */
class WaitingRecord {
  readonly id: number;
  readonly payload: object;
  readonly previous: WaitingRecord | undefined;
  readonly fields: readonly undefined[] = noFields;
  readonly a = 0;
  readonly b = 0;
  readonly c = 0;
  readonly d = 0;
  readonly e = 0;
  readonly f = 0;
  readonly g = 0;
  readonly h = 0;
  readonly i = 0;
  readonly j = 0;
  readonly k = 0;
  readonly l = 0;
  readonly m = 0;
  readonly n = 0;
  readonly o = 0;
  readonly p = 0;
  readonly q = 0;

  constructor(id: number, payload: object, previous: WaitingRecord | undefined) {
    this.id = id;
    this.payload = payload;
    this.previous = previous;
  }
}

/**
 * The least that a queue does: a record of as many bytes as ours in an array, linked to the one before it. What this takes longer with a
 * million of them is the price of memory and of collections of garbage.
 */
function holdRecords(): Holder {
  let records: WaitingRecord[] = [];
  const hold = (n: number) => void records.push(new WaitingRecord(n, { n, key }, records.at(-1)));
  // As many as ours, so that V8 has compiled both.
  for (let n = 0; n < warmUps; n++) hold(n);
  records = [];
  return {
    hold,
    async release() {
      records = [];
    },
  };
}

function settledMemory(): NodeJS.MemoryUsage {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  return process.memoryUsage();
}

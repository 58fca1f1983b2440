// The process in which one contender of the pool benchmarks runs. Its first argument is the contender's name.
import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { pools } from "../contenders/pools/all.js";
import type { Done, TaskPool } from "../contenders/pools/contender.js";
import { answer } from "../harness/answer.js";
import { type MainThreadTime, meterCommands, startMeter } from "../harness/meter.js";
import { makeFields, makeRows } from "../harness/rows.js";

export interface Order {
  /** Tasks that are started and not ended at any time. */
  readonly outstanding: number;
  readonly tasks: number;
  readonly payload: Payload;
}

export type Payload =
  | { readonly kind: "tiny" }
  | { readonly kind: "fail" }
  | { readonly kind: "caught" }
  | { readonly kind: "copy" | "move"; readonly bytes: number }
  | { readonly kind: "rows"; readonly rows: number }
  | { readonly kind: "fields"; readonly fields: number }
  | { readonly kind: "work"; readonly iterations: number }
  | { readonly kind: "sleep"; readonly ms: number };

export interface Reading extends MainThreadTime {
  readonly tasks: number;
  /** The longest time that the event loop was late, from when the first `outstanding` tasks had been started. */
  readonly lagMs: number;
  /** Pages that the process has touched for the first time, in all its threads. */
  readonly pageFaults: number;
}

const key = "photos/2024/05/17.jpg";
let pool: TaskPool | undefined;

answer({
  async open({ contender, threads }: { contender: string; threads: number }) {
    const open = await pools[contender]?.();
    if (open === undefined) throw new Error(`no contender ${contender}`);
    pool = await open(threads);
  },
  measure: (order: Order) => measure(order),
  ...meterCommands(),
  close: () => pool?.close(),
});

async function measure(order: Order): Promise<Reading> {
  if (pool === undefined) throw new Error("not open");
  const start = starter(pool, order);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const faultsBefore = pageFaultsOfMainThread();
  const read = startMeter();
  if (pool.idle === undefined) await slide(order, start, () => delay.enable());
  else await waves(order, start, pool.idle, () => delay.enable());
  const time = read();
  delay.disable();
  const pageFaults = pageFaultsOfMainThread() - faultsBefore;
  return { ...time, tasks: order.tasks, lagMs: Math.max(0, delay.max / 1e6 - 1), pageFaults };
}

/** Each task that ends has another started, until all have been. */
function slide({ outstanding, tasks }: Order, start: (done: Done) => void, onFilled: () => void): Promise<void> {
  return new Promise((resolve) => {
    let started = 0;
    let ended = 0;
    const startOne = (): void => {
      started++;
      start(done);
    };
    const done = (): void => {
      if (++ended === tasks) resolve();
      else if (started < tasks) startOne();
    };
    while (started < Math.min(outstanding, tasks)) startOne();
    onFilled();
  });
}

/** As many as may be outstanding are started and all awaited, again and again. */
async function waves(
  { outstanding, tasks }: Order,
  start: (done: Done) => void,
  idle: () => Promise<void>,
  onFilled: () => void,
): Promise<void> {
  for (let left = tasks; left > 0; left -= outstanding) {
    for (let i = Math.min(outstanding, left); i > 0; i--) start(() => {});
    onFilled();
    await idle();
  }
}

function starter({ start }: TaskPool, { payload, tasks }: Order): (done: Done) => void {
  switch (payload.kind) {
    case "tiny":
    case "fail":
    case "caught": {
      let n = 0;
      return (done) => start(payload.kind, { n: n++, key }, done);
    }
    case "copy": {
      const bytes = new Uint8Array(payload.bytes).fill(1);
      return (done) => start("touch", bytes, done);
    }
    case "rows": {
      const rows = makeRows(payload.rows);
      collectGarbage();
      return (done) => start("validate", rows, done);
    }
    case "fields": {
      const object = makeFields(payload.fields);
      collectGarbage();
      return (done) => start("look", object, done);
    }
    case "move": {
      // A buffer that has moved is gone. They are made before the clock starts: making 1 MB takes longer than moving it.
      const buffers = Array.from({ length: tasks }, () => new Uint8Array(payload.bytes));
      return (done) => {
        const bytes = buffers.pop();
        if (bytes !== undefined) start("touch", bytes, done, [bytes.buffer]);
      };
    }
    case "work":
      return (done) => start("work", { key, iterations: payload.iterations }, done);
    case "sleep":
      return (done) => start("sleep", { ms: payload.ms }, done);
  }
}

/**
 * So that a large object lies in the memory of each contender as in the others'. Where its parts are scattered, because a collection
 * came while it was made, to walk it takes twice as long and to serialise it a fifth longer.
 */
function collectGarbage(): void {
  globalThis.gc?.();
}

/** The page faults that needed no disk, of the main thread alone: what the tasks' thread touches is its own matter. */
function pageFaultsOfMainThread(): number {
  try {
    // Behind the name of the program, which may have spaces: the tenth field of all, the eighth behind the name.
    const stat = readFileSync(`/proc/self/task/${process.pid}/stat`, "latin1");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[7]);
  } catch {
    return Number.NaN;
  }
}

// The process in which one contender of the store benchmark runs.
import { performance } from "node:perf_hooks";
import { stores } from "../contenders/stores/all.js";
import type { StoreOptions, TaskStore } from "../contenders/stores/contender.js";
import { answer } from "../harness/answer.js";
import { type MainThreadTime, startMeter } from "../harness/meter.js";

export interface StoreOrder {
  /** Tasks that are accepted in one turn of the event loop; the next ones when these have ended. */
  readonly burst: number;
  /** Bursts follow each other for so long. */
  readonly ms: number;
}

export interface StoreReading extends MainThreadTime {
  readonly tasks: number;
  /** ms from the first call of a burst until all its tasks were accepted, burst by burst. */
  readonly acceptMs: readonly number[];
}

const key = "photos/2024/05/17.jpg";
let store: TaskStore | undefined;

answer({
  async open({ contender, ...options }: StoreOptions & { contender: string }) {
    const open = await stores[contender]?.();
    if (open === undefined) throw new Error(`no contender ${contender}`);
    store = await open(options);
  },
  async measure({ burst, ms }: StoreOrder): Promise<StoreReading> {
    if (store === undefined) throw new Error("not open");
    const acceptMs: number[] = [];
    const until = performance.now() + ms;
    const read = startMeter();
    while (performance.now() < until) acceptMs.push(await run(store, burst));
    return { ...read(), tasks: acceptMs.length * burst, acceptMs };
  },
  close: () => store?.close(),
});

/** Accepts so many tasks and waits for their ends; resolves to the ms until all were accepted. */
async function run({ accept }: TaskStore, burst: number): Promise<number> {
  let left = burst;
  let resolveEnded = (): void => {};
  const ended = new Promise<void>((resolve) => {
    resolveEnded = resolve;
  });
  const done = (): void => {
    if (--left === 0) resolveEnded();
  };
  const startedAt = performance.now();
  const accepting: Promise<unknown>[] = [];
  for (let n = 0; n < burst; n++) {
    const accepted = accept({ n, key }, done);
    if (accepted !== undefined) accepting.push(accepted);
  }
  if (accepting.length > 0) await Promise.all(accepting);
  const acceptedAt = performance.now();
  await ended;
  return acceptedAt - startedAt;
}

// The process in which one contender of the store benchmark runs.
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
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
let current: TaskStore | undefined;
/** Tasks of the route that have not ended, and who waits until there are none. */
let unfinished = 0;
let allEnded = (): void => {};

answer({
  async open({ contender, ...options }: StoreOptions & { contender: string }) {
    const openStore = await stores[contender]?.();
    if (openStore === undefined) throw new Error(`no contender ${contender}`);
    current = await openStore(options);
  },
  async measure({ burst, ms }: StoreOrder): Promise<StoreReading> {
    const store = opened();
    const acceptMs: number[] = [];
    const until = performance.now() + ms;
    const read = startMeter();
    while (performance.now() < until) acceptMs.push(await run(store, burst));
    return { ...read(), tasks: acceptMs.length * burst, acceptMs };
  },
  /** Resolves to the port of a server whose route accepts a task. */
  async serve(): Promise<number> {
    const store = opened();
    const server = http.createServer(async (_request, response) => {
      unfinished++;
      // The answer says that the task is on record.
      await store.accept({ n: unfinished, key }, () => --unfinished === 0 && allEnded());
      response.writeHead(202).end();
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    return (server.address() as AddressInfo).port;
  },
  /** Resolves when the tasks of the route have ended. */
  async routeEnded(): Promise<void> {
    if (unfinished === 0) return;
    await new Promise<void>((resolve) => {
      allEnded = resolve;
    });
  },
  /** Accepts so many tasks, and dies by kill -9 when all are accepted, in the same turn where they are at once. */
  async leave(tasks: number): Promise<void> {
    const accepting = acceptAll(opened(), tasks, () => {});
    if (accepting.length > 0) await Promise.all(accepting);
    process.kill(process.pid, "SIGKILL");
  },
  kept: () => opened().kept(),
  ended: () => opened().ended?.(),
  close: () => current?.close(),
});

function opened(): TaskStore {
  if (current === undefined) throw new Error("not open");
  return current;
}

/** Accepts so many tasks and waits for their ends; resolves to the ms until all were accepted. */
async function run(store: TaskStore, burst: number): Promise<number> {
  let left = burst;
  let resolveEnded = (): void => {};
  const ended = new Promise<void>((resolve) => {
    resolveEnded = resolve;
  });
  const done = (): void => {
    if (--left === 0) resolveEnded();
  };
  const startedAt = performance.now();
  const accepting = acceptAll(store, burst, done);
  if (accepting.length > 0) await Promise.all(accepting);
  const acceptedAt = performance.now();
  await ended;
  return acceptedAt - startedAt;
}

/** Returns what is to be awaited until all are accepted. */
function acceptAll({ accept }: TaskStore, tasks: number, done: () => void): readonly Promise<unknown>[] {
  const accepting: Promise<unknown>[] = [];
  for (let n = 0; n < tasks; n++) {
    const accepted = accept({ n, key }, done);
    if (accepted !== undefined) accepting.push(accepted);
  }
  return accepting;
}

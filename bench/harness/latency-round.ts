// One contender under a steady load for some seconds, in a process of its own: how long its answers took, and its work.
import type { LoadOrder, LoadResult, Wait } from "../programs/open-load.js";
import { Program } from "./program.js";

export interface LatencyOrder {
  /** The contender. */
  readonly name: string;
  readonly threads: number;
  readonly iterations: number;
  readonly perSecond: number;
  readonly seconds: number;
  readonly wait?: Wait;
  /** Default true: the work that is left when the load ends is waited for. */
  readonly untilDone?: boolean;
}

export interface LatencyRound {
  /** ms. */
  readonly latencies: readonly number[];
  /** Works done when the load ended, for each request. */
  readonly doneAtTheEnd: number;
  /** Works done when no more were done, for each request. */
  readonly done: number;
}

// After the load, for the work that is left.
const patienceMs = 15_000;
// Longer than a work takes, for between two counts one is to end.
const betweenCountsMs = 300;

/** @param load the program `open-load` */
export async function latencyRound(load: Program, order: LatencyOrder): Promise<LatencyRound> {
  const { perSecond, seconds, wait, untilDone = true, ...open } = order;
  const server = new Program("server");
  const port = await server.ask<number>("open", open);
  await load.ask<LoadResult>("run", { port, perSecond, requests: perSecond / 2, wait } satisfies LoadOrder);
  const before = await settled(server);
  const requests = perSecond * seconds;
  const measured: LoadOrder = { port, perSecond, requests, wait };
  const { latencies, failed } = await load.ask<LoadResult>("run", measured);
  // A latency that is missing would make the others look better.
  if (failed > 0) throw new Error(`${failed} of ${requests} requests failed: ${order.name}`);
  const atTheEnd = await server.ask<number>("completed");
  const later = untilDone ? await settled(server) : atTheEnd;
  await server.ask("close");
  await server.end();
  return { latencies, doneAtTheEnd: (atTheEnd - before) / requests, done: (later - before) / requests };
}

/** How many works have been done once that number stands still. */
async function settled(server: Program): Promise<number> {
  const until = performance.now() + patienceMs;
  let last = await server.ask<number>("completed");
  while (performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, betweenCountsMs));
    const now = await server.ask<number>("completed");
    if (now === last) break;
    last = now;
  }
  return last;
}

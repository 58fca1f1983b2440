// The smallest route that accepts a task before it answers, in the process of each contender, under a steady load.
import type { Program } from "../../harness/program.js";
import { quantile } from "../../harness/statistics.js";
import type { LoadOrder, LoadResult } from "../../programs/open-load.js";

export const perSecond = 100;
export const seconds = 2;
const warmUpRequests = 10;

/**
 * Resolves to the p99 of each round, in ms.
 *
 * @param load the program `open-load`
 */
export async function routeP99(load: Program, store: Program, rounds: number): Promise<readonly number[]> {
  const port = await store.ask<number>("serve");
  await load.ask<LoadResult>("run", { port, perSecond, requests: warmUpRequests } satisfies LoadOrder);
  const p99s: number[] = [];
  for (let round = 0; round < rounds; round++) {
    if (round > 0) await store.ask("routeEnded");
    const order: LoadOrder = { port, perSecond, requests: perSecond * seconds };
    const { latencies, failed } = await load.ask<LoadResult>("run", order);
    if (failed > 0) throw new Error(`${failed} requests were not answered with 202`);
    p99s.push(quantile(latencies, 0.99));
  }
  return p99s;
}

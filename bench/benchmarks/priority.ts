// What requests feel while as many threads as there are cores have work, and what `pool.priority` changes.
import { availableParallelism } from "node:os";
import { floor, nicedPiscina, ours, piscina, unniced } from "../contenders/express/all.js";
import { atLeast, atMost, type Benchmark, measuredIn, type Sizes, sizeOf, type Table } from "../harness/benchmark.js";
import { iterationsFor } from "../harness/calibrate.js";
import { figure, spread } from "../harness/format.js";
import { latencyRound } from "../harness/latency-round.js";
import { Program } from "../harness/program.js";
import { Samples } from "../harness/samples.js";
import { quantile } from "../harness/statistics.js";
import type { Wait } from "../programs/open-load.js";

export const threads: number = availableParallelism();
export const workMs = 20;
export const perSecond: number = (threads * 1_000 * 0.8) / workMs;
const names = [floor, ours, unniced, piscina, nicedPiscina];
/** What the bars compare. */
const compared = [floor, ours, piscina];
const percentiles = { p50: 0.5, p99: 0.99 } as const;
const done = "work done by the end of the load, % of requests";

export interface Client {
  readonly at: string;
  readonly wait: Wait;
  readonly ownSession: boolean;
}

export const rivals: readonly Client[] = [
  { at: "a client that sleeps", wait: "sleep", ownSession: true },
  { at: "a client that spins, in a session of its own", wait: "spin", ownSession: true },
  { at: "a client that spins, in the session of the server", wait: "spin", ownSession: false },
];
/** Between programs of one session any niceness gives CPU away, so a quick run is not about the last one. */
const inQuick = rivals.slice(0, 2);

const sizes: Sizes<{ rounds: number; seconds: number }> = {
  short: { rounds: 2, seconds: 4 },
  full: { rounds: 9, seconds: 10 },
};
const quickSeconds = 3;

export const priorityBenchmark: Benchmark = {
  name: "priority",
  title: "Latency of an Express server with as many threads as cores, and the niceness of the threads",
  how: [
    `As the latencies above, but with ${threads} threads, one for each core. The client sends ${perSecond} requests a second, which is 80 % of what the threads can do, so the main thread finds no free core.`,
    "One client sleeps between its requests. Another one spins, as any busy process on the same cores does: once in a session of its own, as another service or container would, and once in the session of the server.",
    "Only Linux has a niceness for each thread, and it counts between the programs of one session or one container.",
  ].join(" "),
  async run(scale, say) {
    const { rounds, seconds: usualSeconds } = sizeOf(sizes, scale);
    const seconds = scale === "quick" ? quickSeconds : usualSeconds;
    const contenders = measuredIn(scale, names, compared);
    const clients = measuredIn(scale, rivals, inQuick);
    const samples = new Samples();
    const iterations = iterationsFor(workMs);
    const loads = startLoads();
    for (let round = 0; round < rounds; round++) {
      for (const { at, wait, ownSession } of clients) {
        for (const name of round % 2 === 0 ? contenders : [...contenders].reverse()) {
          const order = { name, threads, iterations, perSecond, seconds, wait, untilDone: false };
          const load = loads.get(ownSession) as Program;
          const { latencies, doneAtTheEnd } = await latencyRound(load, order);
          for (const [metric, q] of Object.entries(percentiles)) samples.add(metric, name, at, quantile(latencies, q));
          if (name !== floor) samples.add(done, name, at, doneAtTheEnd * 100);
        }
      }
      say(`round ${round + 1} of ${rounds}`);
    }
    for (const load of loads.values()) await load.end();
    return {
      samples,
      tables: clients.map(({ at }) => table(samples, at, contenders)),
      bars: clients.flatMap(({ at }) => [
        ...atMost(`p99 over the floor, threads = cores, ${at}`, samples.ratio("p99", ours, floor, at), 2.5),
        ...atLeast(
          `work done by the end over Piscina's, threads = cores, ${at}`,
          samples.ratio(done, ours, piscina, at),
          0.95,
        ),
      ]),
      charts: [],
    };
  },
};

/** The client of each kind of session. */
export function startLoads(): ReadonlyMap<boolean, Program> {
  return new Map([true, false].map((ownSession) => [ownSession, new Program("open-load", { ownSession })]));
}

function table(samples: Samples, at: string, contenders: readonly string[]): Table {
  return {
    title: `Latency in ms, and the work: ${at}`,
    columns: ["", "p50", "p99", "p99 over the floor", "done by the end of the load"],
    rows: contenders.map((name) => {
      const share = samples.summary(done, name, at)?.median;
      return [
        name,
        ...Object.keys(percentiles).map((metric) => spread(samples.summary(metric, name, at))),
        `${spread(samples.ratio("p99", name, floor, at))} x`,
        share === undefined ? "-" : `${figure(share)} %`,
      ];
    }),
  };
}

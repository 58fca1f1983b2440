// What a user feels: how long answers take while each request leaves work that keeps a thread busy.
import { bullmq, contenders, floor, ours, piscina } from "../contenders/express/all.js";
import { atLeast, atMost, type Benchmark, measuredIn, type Sizes, sizeOf, type Table } from "../harness/benchmark.js";
import { iterationsFor } from "../harness/calibrate.js";
import { figure, spread } from "../harness/format.js";
import { latencyRound } from "../harness/latency-round.js";
import { Program } from "../harness/program.js";
import { hasRedis } from "../harness/redis.js";
import { Samples } from "../harness/samples.js";
import { quantile } from "../harness/statistics.js";
import type { DotChart } from "../plot/chart.js";

const threads = 1;
const workMs = 20;
// 80 % of what one thread can do: it is busy nearly all the time, and keeps up.
const perSecond = (threads * 1_000 * 0.8) / workMs;

// The p99 of one round is the second highest of some hundred latencies: what the bar is about is measured in twice as many rounds.
const theBar = [floor, ours];

const sizes: Sizes<{ rounds: number; seconds: number }> = {
  short: { rounds: 2, seconds: 4 },
  full: { rounds: 5, seconds: 20 },
};
const quickSeconds = 2;

const at = `${perSecond}/s`;
const percentiles = { p50: 0.5, p99: 0.99, max: 1 } as const;
const done = "work done by the end of the load, % of requests";
const all = "work done in the end, % of requests";

export const latencyBenchmark: Benchmark = {
  name: "latency",
  title: `Latency of an Express server whose requests each leave ${workMs} ms of CPU work`,
  how: [
    `A server process has ${threads} thread for the work. A load process sends it ${perSecond} requests a second on schedule. The latency of a request counts from when it was due to the end of its answer.`,
    "That is 80 % of what the thread can do, so it is busy nearly all the time and keeps up. On two cores the load and the main thread share what the thread leaves. So do Redis and the worker processes of BullMQ.",
    "The contenders run one after the other, and in the next round in the opposite order. In half of the rounds there are only the two that the bar compares. The percentiles are of the requests of one round.",
  ].join(" "),
  async run(scale, say) {
    const samples = new Samples();
    const present = Object.keys(contenders).filter((name) => name !== bullmq || hasRedis());
    const names = measuredIn(scale, present, [floor, ours, piscina]);
    if (!present.includes(bullmq)) say("no redis-server on this machine: BullMQ is left out");
    const { rounds, seconds: usualSeconds } = sizeOf(sizes, scale);
    const seconds = scale === "quick" ? quickSeconds : usualSeconds;
    const iterations = iterationsFor(workMs);
    const load = new Program("open-load");
    // A ratio is that of one round, so the rounds of the two come after those of all.
    const orders = [...Array<readonly string[]>(rounds).fill(names), ...Array<readonly string[]>(rounds).fill(theBar)];
    for (const [round, inRound] of orders.entries()) {
      for (const name of round % 2 === 0 ? inRound : [...inRound].reverse()) {
        say(`round ${round + 1} of ${orders.length}: ${name}`);
        const {
          latencies,
          doneAtTheEnd,
          done: doneLater,
        } = await latencyRound(load, { name, threads, iterations, perSecond, seconds });
        for (const [metric, q] of Object.entries(percentiles)) samples.add(metric, name, at, quantile(latencies, q));
        if (name !== floor) {
          samples.add(done, name, at, doneAtTheEnd * 100);
          samples.add(all, name, at, doneLater * 100);
        }
      }
    }
    await load.end();
    return {
      samples,
      tables: [table(samples, names)],
      bars: [
        ...atMost("p99 over the floor", samples.ratio("p99", ours, floor, at), 1.25),
        ...atLeast("work done in the end", samples.summary(all, ours, at), 100, "%"),
      ],
      charts: [chart(samples, names)],
    };
  },
};

function table(samples: Samples, names: readonly string[]): Table {
  return {
    title: "Latency in ms, and the work",
    columns: ["", "p50", "p99", "max", "p99 over the floor", "done by the end of the load", "done in the end"],
    rows: names.map((name) => [
      name,
      ...Object.keys(percentiles).map((metric) => spread(samples.summary(metric, name, at))),
      `${spread(samples.ratio("p99", name, floor, at))} x`,
      percent(samples.summary(done, name, at)?.median),
      percent(samples.summary(all, name, at)?.median),
    ]),
  };
}

function percent(value: number | undefined): string {
  return value === undefined ? "-" : `${figure(value)} %`;
}

function chart(samples: Samples, names: readonly string[]): DotChart {
  return {
    kind: "dots",
    file: "latency",
    title: "What a user feels",
    subtitle: `Latency of answers, ${perSecond} requests a second, each leaving ${workMs} ms of CPU work; one thread, two cores.`,
    x: { label: "ms from when the request was due; further left is better", scale: "log", unit: " ms" },
    marks: Object.keys(percentiles),
    rows: names.map((name) => ({
      name,
      note: `p99 ${figure(samples.summary("p99", name, at)?.median ?? Number.NaN)} ms`,
      marks: Object.keys(percentiles).map((metric) => samples.summary(metric, name, at)),
    })),
  };
}

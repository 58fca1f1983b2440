// How long a process takes to end that still has tasks to run.
import { performance } from "node:perf_hooks";
import { atMost, type Benchmark, type Sizes, sizeOf } from "../harness/benchmark.js";
import { metricTable } from "../harness/format.js";
import { Program } from "../harness/program.js";
import { Samples } from "../harness/samples.js";
import type { DrainOrder } from "../programs/drain.js";

const took = "ms from SIGTERM to exit";
const over = "ms more than 1.05 x the ideal";
const fixedMs = 300;
const ours = "offload-after-response";

const sizes: Sizes<{ rounds: number; idealMs: number; threads: readonly number[]; taskMs: readonly number[] }> = {
  short: { rounds: 1, idealMs: 1_000, threads: [1, 4], taskMs: [2, 100] },
  full: { rounds: 5, idealMs: 5_000, threads: [1, 2, 3, 4, 8], taskMs: [2, 20, 100, 500] },
};

export const drainBenchmark: Benchmark = {
  name: "drain",
  title: "From SIGTERM to exit with tasks left to run",
  how: [
    "A process with a server and queued tasks gets SIGTERM and runs them all before it exits.",
    "The tasks sleep, so that more threads than cores count. The ideal is the sum of the times that the tasks ran, divided by the number of threads.",
  ].join(" "),
  async run(scale, say) {
    const { rounds, idealMs, threads, taskMs } = sizeOf(sizes, scale);
    const samples = new Samples();
    for (let round = 0; round < rounds; round++) {
      for (const count of threads) {
        for (const ms of taskMs) {
          const tasks = Math.round(idealMs / ms) * count;
          const at = `${tasks} x ${ms} ms on ${count} thread${count > 1 ? "s" : ""}`;
          say(`round ${round + 1} of ${rounds}: ${at}`);
          const { elapsedMs, workMs } = await drain({ threads: count, tasks, taskMs: ms });
          samples.add(took, ours, at, elapsedMs);
          samples.add(took, "ideal", at, workMs / count);
          samples.add(over, ours, at, elapsedMs - (workMs / count) * 1.05);
        }
      }
    }
    return {
      samples,
      tables: [metricTable(samples, took, "From SIGTERM to exit, ms", "ideal")],
      bars: samples
        .settings(over)
        .flatMap((at) => atMost(`beyond 1.05 x the ideal: ${at}`, samples.summary(over, ours, at), fixedMs, "ms")),
      charts: [],
    };
  },
};

async function drain(order: DrainOrder): Promise<{ elapsedMs: number; workMs: number }> {
  const program = new Program("drain");
  await program.ask("open", order);
  const work = program.ask<number>("work");
  const startedAt = performance.now();
  program.kill("SIGTERM");
  const workMs = await work;
  const code = await program.ended;
  if (code !== 0) throw new Error(`bench/programs/drain ended with ${code}`);
  return { elapsedMs: performance.now() - startedAt, workMs };
}

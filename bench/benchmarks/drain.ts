// How long a process takes to end that still has tasks to run.
import { performance } from "node:perf_hooks";
import { atMost, type Benchmark, measuredIn, type Sizes, sizeOf } from "../harness/benchmark.js";
import { metricTable } from "../harness/format.js";
import { Program } from "../harness/program.js";
import { Samples } from "../harness/samples.js";
import type { DrainOrder, Kind } from "../programs/drain.js";

const took = "ms from SIGTERM to exit";
const over = "ms more than 1.05 x the ideal";
const fixedMs = 300;
const ours = "offload-after-response";

const sizes: Sizes<{ rounds: number; idealMs: number; threads: readonly number[]; taskMs: readonly number[] }> = {
  short: { rounds: 1, idealMs: 1_000, threads: [1, 2, 3, 4], taskMs: [2, 100] },
  full: { rounds: 5, idealMs: 5_000, threads: [1, 2, 3, 4, 8], taskMs: [2, 20, 100, 500] },
};
const inQuick = [1, 4];
const waitMs = 20;

export const drainBenchmark: Benchmark = {
  name: "drain",
  title: "From SIGTERM to exit with tasks left to run",
  how: [
    "A process with a server and queued tasks gets SIGTERM and runs them all before it exits.",
    "The tasks sleep, so that more threads than cores count. Those of I/O wait for a timer and leave their thread free, which runs one at a time all the same. The ideal is the number of tasks for each thread, times what one of them takes in a bare Worker of the same process.",
  ].join(" "),
  async run(scale, say) {
    const { rounds, idealMs, threads: usual, taskMs } = sizeOf(sizes, scale);
    const threads = measuredIn(scale, usual, inQuick);
    const works: readonly (readonly [Kind, number])[] = [
      ...taskMs.map((ms) => ["sleep", ms] as const),
      ["wait", waitMs],
    ];
    const samples = new Samples();
    for (let round = 0; round < rounds; round++) {
      for (const count of threads) {
        for (const [kind, ms] of works) {
          const tasks = Math.round(idealMs / ms) * count;
          const at = `${tasks} x ${ms} ms${kind === "wait" ? " of I/O" : ""} on ${count} thread${count > 1 ? "s" : ""}`;
          say(`round ${round + 1} of ${rounds}: ${at}`);
          const { elapsedMs, bareMs } = await drain({ threads: count, tasks, kind, taskMs: ms });
          const ideal = (tasks / count) * bareMs;
          samples.add(took, ours, at, elapsedMs);
          samples.add(took, "ideal", at, ideal);
          samples.add(over, ours, at, elapsedMs - ideal * 1.05);
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

async function drain(order: DrainOrder): Promise<{ elapsedMs: number; bareMs: number }> {
  const program = new Program("drain");
  const bareMs = await program.ask<number>("bare", order);
  await program.ask("open", order);
  const startedAt = performance.now();
  program.kill("SIGTERM");
  const code = await program.ended;
  if (code !== 0) throw new Error(`bench/programs/drain ended with ${code}`);
  return { elapsedMs: performance.now() - startedAt, bareMs };
}

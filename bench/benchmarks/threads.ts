// What more threads give, up to more than there are cores.
import { availableParallelism } from "node:os";
import { ours, piscina } from "../contenders/pools/all.js";
import { atLeast, type Benchmark, type Sizes, sizeOf } from "../harness/benchmark.js";
import { iterationsFor } from "../harness/calibrate.js";
import { metricTable } from "../harness/format.js";
import { Program } from "../harness/program.js";
import { Samples } from "../harness/samples.js";
import { lineChart } from "../plot/of-samples.js";
import type { Order, Payload, Reading } from "../programs/pool.js";
import { enoughTasks } from "./enough-tasks.js";

const outstanding = 64;
const taskMs = 2;
const kinds = ["work", "sleep"] as const;
const metrics = { work: `tasks/s, ${taskMs} ms of CPU each`, sleep: `tasks/s, ${taskMs} ms asleep each` };

const sizes: Sizes<{ rounds: number; ms: number; threads: readonly number[] }> = {
  short: { rounds: 1, ms: 150, threads: [1, 2, 4] },
  full: { rounds: 7, ms: 500, threads: [1, 2, 3, 4, 6, 8] },
};

export const threadsBenchmark: Benchmark = {
  name: "threads",
  title: `Tasks of ${taskMs} ms on 1 to 8 threads`,
  how: [
    `${outstanding} tasks are outstanding. Tasks that take the CPU gain from threads as long as there are cores. Here there are ${availableParallelism()}, and the main thread needs one of them now and then. Tasks that sleep show what the pool itself does with more threads than cores.`,
  ].join(" "),
  async run(scale, say) {
    const { rounds, ms, threads } = sizeOf(sizes, scale);
    const samples = new Samples();
    const iterations = iterationsFor(taskMs);
    const payloads: Record<(typeof kinds)[number], Payload> = {
      work: { kind: "work", iterations },
      sleep: { kind: "sleep", ms: taskMs },
    };
    for (let round = 0; round < rounds; round++) {
      say(`round ${round + 1} of ${rounds}`);
      for (const count of threads) {
        for (const contender of [ours, piscina]) {
          const program = new Program("pool");
          await program.ask("open", { contender, threads: count });
          for (const kind of kinds) {
            const order: Order = { outstanding, tasks: 0, payload: payloads[kind] };
            const tasks = await enoughTasks(program, order, ms);
            const { elapsedMs } = await program.ask<Reading>("measure", { ...order, tasks });
            samples.add(metrics[kind], contender, count, (tasks * 1_000) / elapsedMs);
          }
          await program.end();
        }
      }
    }
    const most = threads.at(-1) ?? 1;
    return {
      samples,
      tables: kinds.map((kind) => metricTable(samples, metrics[kind], `Tasks/s by threads: ${metrics[kind]}`, piscina)),
      bars: kinds.flatMap((kind) =>
        atLeast(
          `${metrics[kind]}, ${most} threads, over Piscina`,
          samples.ratio(metrics[kind], ours, piscina, most),
          0.95,
        ),
      ),
      charts: kinds.map((kind) =>
        lineChart(samples, metrics[kind], {
          file: `threads-${kind}`,
          title: kind === "work" ? "Threads, tasks that take the CPU" : "Threads, tasks that sleep",
          subtitle: `${metrics[kind]}, ${outstanding} outstanding; ${availableParallelism()} cores. Median, lowest to highest shaded.`,
          x: { label: "threads", scale: "linear" },
          y: { label: "tasks/s", scale: "linear" },
        }),
      ),
    };
  },
};

// How the cost of a task grows with its payload, copied and moved.
import { ours, piscina, piscinaAsync, pools, raw } from "../contenders/pools/all.js";
import { atLeast, type Benchmark, type Scale } from "../harness/benchmark.js";
import { metricTable } from "../harness/format.js";
import { Program } from "../harness/program.js";
import { Samples } from "../harness/samples.js";
import { lineChart } from "../plot/of-samples.js";
import type { Order, Payload, Reading } from "../programs/pool.js";
import { enoughTasks } from "./enough-tasks.js";

const outstanding = 4;
const megabyte = 1_000_000;
const kinds = ["copy", "move"] as const;
const words = { copy: "copied", move: "moved" };

const sizes: Record<Scale, { rounds: number; ms: number; bytes: readonly number[]; contenders: readonly string[] }> = {
  short: { rounds: 3, ms: 100, bytes: [100, 10_000, megabyte], contenders: [ours, piscina, piscinaAsync, raw] },
  full: {
    rounds: 5,
    ms: 500,
    bytes: [100, 1_000, 10_000, 100_000, megabyte, 10_000_000],
    contenders: [ours, piscina, piscinaAsync, "tinypool", "workerpool", "poolifier", raw],
  },
};

const metric = (kind: (typeof kinds)[number]) => `tasks/s, payload ${words[kind]}`;

export const payloadBenchmark: Benchmark = {
  name: "payload",
  title: "Payloads of 100 B to 10 MB, copied and moved",
  how: [
    `A Uint8Array of so many bytes goes to one thread, ${outstanding} tasks outstanding. Copied, it is the same array each time; moved, each task gets one of its own, made before the clock starts.`,
    "offload-after-response copies at the call, so that what the caller changes afterwards does not reach the task; the others copy when they dispatch. A copied payload is therefore copied twice.",
  ].join(" "),
  async run(scale, say) {
    const { rounds, ms, bytes, contenders } = sizes[scale];
    const samples = new Samples();
    const programs = new Map<string, Program>();
    for (const contender of contenders.filter((name) => name in pools)) {
      const program = new Program("pool");
      await program.ask("open", { contender, threads: 1 });
      programs.set(contender, program);
    }
    const tasks = new Map<string, number>();
    for (let round = 0; round < rounds; round++) {
      say(`round ${round + 1} of ${rounds}`);
      for (const size of bytes) {
        for (const kind of kinds) {
          for (const [contender, program] of programs) {
            const payload: Payload = { kind, bytes: size };
            const order: Order = { outstanding, tasks: 0, payload };
            const key = `${contender} ${kind} ${size}`;
            const count = tasks.get(key) ?? (await enoughTasks(program, order, ms));
            tasks.set(key, count);
            const { elapsedMs } = await program.ask<Reading>("measure", { ...order, tasks: count });
            samples.add(metric(kind), contender, size, (count * 1_000) / elapsedMs);
          }
        }
      }
    }
    for (const program of programs.values()) await program.end();
    return {
      samples,
      tables: kinds.map((kind) =>
        metricTable(samples, metric(kind), `Tasks/s by bytes of payload, ${words[kind]}`, piscina),
      ),
      bars: [piscina, piscinaAsync].flatMap((name) =>
        atLeast(`1 MB buffers moved/s over ${name}`, samples.ratio(metric("move"), ours, name, megabyte), 1),
      ),
      charts: kinds.map((kind) =>
        lineChart(samples, metric(kind), {
          file: `payload-${words[kind]}`,
          title: `Payloads, ${words[kind]}`,
          subtitle: `A Uint8Array to one thread, ${outstanding} tasks outstanding. Median of the rounds, lowest to highest shaded.`,
          x: { label: "bytes", scale: "log", unit: "B" },
          y: { label: "tasks/s", scale: "log" },
        }),
      ),
    };
  },
};

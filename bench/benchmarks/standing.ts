// What an offloader takes while it does nothing: its start, its idle time, and responses that have not ended.
import { type Benchmark, type Sizes, sizeOf } from "../harness/benchmark.js";
import { metricTable } from "../harness/format.js";
import { Program } from "../harness/program.js";
import { Samples } from "../harness/samples.js";
import type { Holder } from "../programs/standing.js";

const ours = "offload-after-response";
const bare = "a bare Worker";
const listener = 'res.once("finish")';
const nothing = "nothing";

const start = "ms until the first task is done";
const idle = "us of CPU a second";
const held = "heap bytes a response";
const each = "one process";
const responses = 10_000;

const sizes: Sizes<{ rounds: number; idleMs: number }> = {
  short: { rounds: 2, idleMs: 500 },
  full: { rounds: 9, idleMs: 10_000 },
};

export const standingBenchmark: Benchmark = {
  name: "standing",
  title: "What an offloader takes while it does nothing",
  how: [
    "Start: from the call that makes an offloader, or a bare Worker with the same tasks, until its only thread has done its first task.",
    "Idle: the CPU of the whole process with its threads while nothing happens, after one thread has started. Beside it is a process without an offloader.",
    `Held: ${responses.toLocaleString("en-US")} responses that have not ended. Each has a task that waits for its end, or a listener of \`finish\` that holds the same payload. The heap is read after collections.`,
    "Each reading has a process of its own.",
  ].join(" "),
  async run(scale, say) {
    const { rounds, idleMs } = sizeOf(sizes, scale);
    const samples = new Samples();
    for (let round = 0; round < rounds; round++) {
      say(`round ${round + 1} of ${rounds}`);
      for (const holder of [ours, bare, nothing] satisfies Holder[]) {
        const program = new Program("standing", { execArgv: ["--expose-gc"] });
        const ms = await program.ask<number>("start", holder);
        if (holder !== nothing) samples.add(start, holder, each, ms);
        samples.add(idle, holder, each, await program.ask<number>("idle", idleMs));
        await program.end();
      }
      for (const holder of [ours, listener] satisfies Holder[]) {
        const program = new Program("standing", { execArgv: ["--expose-gc"] });
        samples.add(held, holder, responses, await program.ask<number>("held", { holder, count: responses }));
        await program.end();
      }
    }
    return {
      samples,
      tables: [
        metricTable(samples, start, "ms until the first task is done", bare),
        metricTable(samples, idle, "Idle: us of CPU a second"),
        metricTable(samples, held, "Heap bytes a response that has not ended, by responses", listener),
      ],
      bars: [],
      charts: [],
    };
  },
};

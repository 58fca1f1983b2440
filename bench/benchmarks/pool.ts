// How fast a pool takes tiny tasks, and what that costs the main thread, with 1 to 100,000 of them outstanding.
import {
  ours,
  oursEvents,
  oursForget,
  piscina,
  piscinaAsync,
  pools,
  raw,
  rawBytes,
  rawChecked,
  rawEach,
} from "../contenders/pools/all.js";
import { atLeast, atMost, type Benchmark, measuredIn, type Sizes, sizeOf } from "../harness/benchmark.js";
import { metricTable } from "../harness/format.js";
import { execArgvInTurns, Program } from "../harness/program.js";
import { Samples } from "../harness/samples.js";
import { lineChart } from "../plot/of-samples.js";
import type { Order, Payload, Reading } from "../programs/pool.js";
import { enoughTasks } from "./enough-tasks.js";

// One thread: with the main thread it makes the two cores that any server has.
const threads = 1;
const warmUpMs = 400;
const tiny: Payload = { kind: "tiny" };
// A pool that nobody hears of single tasks from is measured in waves, which say little when they are short.
const leastForWaves = 1_000;

const withBars = [ours, oursEvents, oursForget, piscina, piscinaAsync, raw];
/** Contenders of the payload benchmark alone. */
const elsewhere = new Set([rawEach, rawBytes, rawChecked]);
const rate = "tasks/s";
const active = "main-thread us a task, loop active";
const cpu = "main-thread us a task, CPU";
const lag = "longest lag of the event loop, ms, 100,000 outstanding";

// One task at a time is the wake-up of two threads, which takes as long as the scheduler likes: looked at more often.
const atOne = [1, 1, 1, 1];

interface Size {
  readonly rounds: number;
  readonly ms: number;
  readonly levels: readonly number[];
  /** Rounds in which the slow contenders run a burst too. */
  readonly slowBursts: number;
}

const sizes: Sizes<Size> = {
  short: { rounds: 2, ms: 150, levels: [...atOne, 4, 32, 1_000, 100_000], slowBursts: 0 },
  full: { rounds: 9, ms: 600, levels: [...atOne, 4, 32, 256, 1_000, 10_000, 100_000, 1_000_000], slowBursts: 3 },
};
// So many outstanding take the slow ones seconds, and more take them minutes and gigabytes.
const burst = 100_000;

export const poolBenchmark: Benchmark = {
  name: "pool",
  title: "Tiny tasks through a pool of one thread",
  how: [
    "Each contender has a process of its own, with one thread. In each round the contenders are measured one after the other, once at each level and four times at the lowest.",
    "A level is the number of tasks that are outstanding: when one ends, the next is started. Fire and forget hears of no end, so it runs in waves.",
    "The payload is an object with a number and a string, and the task adds 1 to the number.",
    "Main-thread time is measured in two ways. The active time of `performance.eventLoopUtilization()` grows when other processes use the cores. The CPU time of the thread, as the kernel counts it, does not. Both contain the benchmark's own loop.",
    "Ratios are to Piscina with its defaults, within each round.",
  ].join(" "),
  async run(scale, say) {
    const samples = new Samples();
    const programs = new Map<string, Program>();
    const contenders = Object.keys(pools).filter((name) => !elsewhere.has(name));
    for (const contender of measuredIn(scale, contenders, withBars)) {
      const program = new Program("pool", { args: [contender], execArgv: execArgvInTurns });
      await program.ask("open", { contender, threads });
      // Code is compiled in stages, and larger code later: each is given the time to have it done.
      for (const outstanding of [1, 1_000])
        await enoughTasks(program, { outstanding, tasks: 0, payload: tiny }, warmUpMs);
      programs.set(contender, program);
    }
    const tasks = new Map<string, number>();
    const { rounds, ms, levels, slowBursts } = sizeOf(sizes, scale);
    for (let round = 0; round < rounds; round++) {
      say(`round ${round + 1} of ${rounds}`);
      for (const level of levels) {
        for (const [contender, program] of programs) {
          if (contender === oursForget && level < leastForWaves) continue;
          const slow = !/^(offload-after-response|raw)/.test(contender);
          if (slow && (level > burst || (level === burst && round >= slowBursts))) continue;
          // A burst of 100,000 is long enough by itself, and too long to be run for an estimate.
          const known = tasks.get(`${contender} ${Math.min(level, 1_000)}`);
          const order: Order = { outstanding: level, tasks: 0, payload: tiny };
          const count = Math.max(level, known ?? (await enoughTasks(program, order, ms)));
          tasks.set(`${contender} ${level}`, count);
          const reading = await program.ask<Reading>("measure", { outstanding: level, tasks: count, payload: tiny });
          samples.add(rate, contender, level, (count * 1_000) / reading.elapsedMs);
          samples.add(active, contender, level, (reading.activeMs * 1_000) / count);
          samples.add(cpu, contender, level, reading.cpuMs && (reading.cpuMs * 1_000) / count);
          if (level === burst) samples.add(lag, contender, level, reading.lagMs);
        }
      }
    }
    for (const program of programs.values()) {
      await program.ask("close");
      await program.end();
    }
    const baselines = [piscina, piscinaAsync];
    return {
      samples,
      tables: [
        metricTable(samples, rate, "Tasks/s by tasks outstanding", piscina),
        metricTable(samples, cpu, "Main-thread us a task, CPU, by tasks outstanding", piscina),
        metricTable(samples, active, "Main-thread us a task, loop active, by tasks outstanding", piscina),
        metricTable(samples, lag, "Longest lag of the event loop in ms while 100,000 drain", piscina),
      ],
      bars: [
        ...baselines.flatMap((name) =>
          atLeast(`tasks/s at 1,000 outstanding over ${name}`, samples.ratio(rate, ours, name, 1_000), 15),
        ),
        ...baselines.flatMap((name) =>
          atLeast(`tasks/s at 1 outstanding over ${name}`, samples.ratio(rate, ours, name, 1), 0.95),
        ),
        ...[ours, oursEvents, oursForget].flatMap((name) =>
          atMost(
            `main-thread us a task at 1,000 outstanding, ${name}`,
            samples.summary(active, name, 1_000),
            2.5,
            "us",
          ),
        ),
        ...atMost("lag while 100,000 drain", samples.summary(lag, ours, burst), 20, "ms"),
      ],
      charts: [
        lineChart(samples, rate, {
          file: "pool-throughput",
          title: "Tiny tasks a second",
          subtitle:
            "One thread; by how many are outstanding at a time. Median of the rounds, lowest to highest shaded.",
          x: { label: "tasks outstanding", scale: "log" },
          y: { label: "tasks/s", scale: "log" },
        }),
        lineChart(samples, active, {
          file: "pool-main-thread",
          title: "What a tiny task costs the main thread",
          subtitle: "Active time of the event loop a task, in us; lower is better. Median, lowest to highest shaded.",
          x: { label: "tasks outstanding", scale: "log" },
          y: { label: "us a task", scale: "log" },
        }),
      ],
    };
  },
};

// What a task costs that does not simply succeed: one that fails, one that is cancelled in the queue or replaced, one that is tried again.
import { ours, oursEvents, piscina } from "../contenders/pools/all.js";
import { atMost, type Benchmark, type Sizes, sizeOf } from "../harness/benchmark.js";
import { metricTable } from "../harness/format.js";
import type { MainThreadTime } from "../harness/meter.js";
import { execArgvInTurns, Program } from "../harness/program.js";
import { Samples } from "../harness/samples.js";
import type { RetryOrder, RetryReading } from "../programs/ends.js";
import type { Order, Reading } from "../programs/pool.js";
import { enoughTasks } from "./enough-tasks.js";

const contenders = [oursEvents, piscina];
// Where the bar is: with one task outstanding the wake-up of the thread is most of the cost, and with 1,000 a task costs 1 us,
// of which no error could take half.
const barred = 4;
const kinds = ["tiny", "caught", "fail"] as const;

const ending = {
  tiny: "main-thread us a task that succeeds, CPU",
  caught: "main-thread us a task that succeeds and takes its thread as long as one that fails, CPU",
  fail: "main-thread us a task that fails, CPU",
} as const;
const over = "main-thread CPU of a failing task over a succeeding one";
const floor = "main-thread CPU of a succeeding task that takes its thread as long as a failing one, over a tiny one";
const overFloor = "main-thread CPU of a failing task over a succeeding one that takes its thread as long";
const cancelling = "main-thread us a cancel, CPU";
const replacing = "main-thread us a replacement, CPU";
const retried = "s until all have succeeded";
const lag = "longest lag of the event loop, ms, all tried twice";

const cancelled = 100_000;
const tried = 100_000;
const backoffMs = 10;
const retryCpu = "main-thread us a task, CPU, both attempts";
// Code is compiled in stages: so many calls and the last one has been reached.
const warmUps = 2;

interface Size {
  readonly rounds: number;
  readonly ms: number;
  readonly levels: readonly number[];
  readonly retryRounds: number;
}

const sizes: Sizes<Size> = {
  short: { rounds: 5, ms: 80, levels: [4, 1_000], retryRounds: 1 },
  full: { rounds: 15, ms: 500, levels: [1, 4, 1_000], retryRounds: 7 },
};

export const endsBenchmark: Benchmark = {
  name: "ends",
  title: "Tasks that fail, are cancelled, are replaced, are tried again",
  how: [
    "Failing: tiny tasks through a pool of one thread. They return a number, or throw a plain Error, or make the same error, catch it and return a number. The last kind is there because a thread that takes longer sends its answers in smaller messages, which costs the main thread too. With ours, listeners of `succeeded` and `failed` hear of the end, and no handle is looked at. With Piscina, the promise of `run()` is handled. Each kind runs once in each round, one after the other. Columns are tasks outstanding, and the ratio of two kinds is taken within each round.",
    `Cancelling: ${cancelled.toLocaleString("en-US")} tasks wait behind one that has the only thread, and are cancelled one by one in the order of their dispatch. The time is that of all cancels and of what they leave to the next turn of the event loop, divided by their number.`,
    `Replacing: a task with a key waits behind one that has the only thread, and ${cancelled.toLocaleString("en-US")} more with the same key replace each other. The time is that of the whole call: the new task and the end of the one before.`,
    `Trying again: ${tried.toLocaleString("en-US")} tasks are dispatched in one turn. Each fails on its first attempt and succeeds on its second, after a backoff of ${backoffMs} ms. Each round has a process of its own. The time runs from the first call until the offloader is idle. The lag is the longest from the last call on.`,
    "Nothing is logged. CPU time is the main thread's, as the kernel counts it.",
  ].join(" "),
  async run(scale, say) {
    const size = sizeOf(sizes, scale);
    const { rounds, retryRounds } = size;
    const samples = new Samples();
    say("failing");
    await failing(samples, size);
    say("cancelling");
    await cancel(samples, rounds);
    for (let round = 0; round < retryRounds; round++) {
      say(`trying again: round ${round + 1} of ${retryRounds}`);
      await retry(samples);
    }
    return {
      samples,
      tables: [
        metricTable(samples, ending.fail, "Main-thread us a task that fails, CPU, by tasks outstanding", piscina),
        metricTable(samples, ending.tiny, "Main-thread us a task that succeeds, CPU, by tasks outstanding", piscina),
        metricTable(samples, over, "A failing task over a succeeding one, by tasks outstanding"),
        metricTable(
          samples,
          floor,
          "A succeeding task that takes its thread as long, over a tiny one, by tasks outstanding",
        ),
        metricTable(
          samples,
          overFloor,
          "A failing task over a succeeding one that takes its thread as long, by tasks outstanding",
        ),
        metricTable(samples, cancelling, "Main-thread us a cancel, CPU, by tasks queued"),
        metricTable(samples, replacing, "Main-thread us a replacement, CPU, by replacements"),
        metricTable(samples, retried, "Tasks tried twice: s until all have succeeded, by tasks"),
        metricTable(samples, retryCpu, "Tasks tried twice: main-thread us a task, CPU, by tasks"),
        metricTable(samples, lag, "Tasks tried twice: longest lag of the event loop in ms, by tasks"),
      ],
      bars: [
        ...atMost(`${over}, ${barred} outstanding`, samples.summary(over, oursEvents, barred), 1.5),
        ...atMost("main-thread CPU of a cancel", samples.summary(cancelling, ours, cancelled), 1, "us"),
        ...atMost("100,000 tasks tried twice", samples.summary(retried, ours, tried), 4, "s"),
        ...atMost("lag while 100,000 tasks are tried twice", samples.summary(lag, ours, tried), 50, "ms"),
      ],
      charts: [],
    };
  },
};

async function failing(samples: Samples, { rounds, ms, levels }: Size): Promise<void> {
  const programs = new Map<string, Program>();
  for (const contender of contenders) {
    const program = new Program("pool", { execArgv: execArgvInTurns });
    await program.ask("open", { contender, threads: 1 });
    programs.set(contender, program);
  }
  for (const outstanding of levels) {
    const tasks = new Map<string, number>();
    for (let round = 0; round < rounds; round++) {
      for (const [contender, program] of programs) {
        const us = { tiny: Number.NaN, caught: Number.NaN, fail: Number.NaN };
        for (const kind of kinds) {
          const order: Order = { outstanding, tasks: 0, payload: { kind } };
          const count = tasks.get(contender + kind) ?? (await enoughTasks(program, order, ms));
          tasks.set(contender + kind, count);
          const { cpuMs, activeMs } = await program.ask<Reading>("measure", { ...order, tasks: count });
          us[kind] = ((cpuMs ?? activeMs) * 1_000) / count;
          samples.add(ending[kind], contender, outstanding, us[kind]);
        }
        samples.add(over, contender, outstanding, us.fail / us.tiny);
        samples.add(floor, contender, outstanding, us.caught / us.tiny);
        samples.add(overFloor, contender, outstanding, us.fail / us.caught);
      }
    }
  }
  for (const program of programs.values()) await program.end();
}

async function cancel(samples: Samples, rounds: number): Promise<void> {
  const program = new Program("ends");
  await program.ask("open");
  for (let round = 0; round < warmUps + rounds; round++) {
    const { cpuMs, activeMs } = await program.ask<MainThreadTime>("cancel", cancelled);
    if (round >= warmUps) samples.add(cancelling, ours, cancelled, ((cpuMs ?? activeMs) * 1_000) / cancelled);
  }
  for (let round = 0; round < warmUps + rounds; round++) {
    const { cpuMs, activeMs } = await program.ask<MainThreadTime>("replace", cancelled);
    if (round >= warmUps) samples.add(replacing, ours, cancelled, ((cpuMs ?? activeMs) * 1_000) / cancelled);
  }
  await program.end();
}

async function retry(samples: Samples): Promise<void> {
  const program = new Program("ends");
  await program.ask("open");
  const order: RetryOrder = { count: tried, backoff: backoffMs };
  const { elapsedMs, cpuMs, lagMs } = await program.ask<RetryReading>("retry", order);
  samples.add(retried, ours, tried, elapsedMs / 1_000);
  samples.add(retryCpu, ours, tried, cpuMs && (cpuMs * 1_000) / tried);
  samples.add(lag, ours, tried, lagMs);
  await program.end();
}

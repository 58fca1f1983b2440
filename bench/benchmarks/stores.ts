// What it costs to have each task outlive its process: the journal beside the stores that one would keep a record in by hand,
// and beside job queues; and what is left after kill -9.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ours, sidequest } from "../contenders/stores/all.js";
import { atLeast, atMost, type Benchmark, type Scale } from "../harness/benchmark.js";
import { Program } from "../harness/program.js";
import { Samples } from "../harness/samples.js";
import { quantile } from "../harness/statistics.js";
import type { StoreOrder, StoreReading } from "../programs/stores.js";
import { killAll, left } from "./stores/killed.js";
import {
  accept,
  accepted,
  active,
  addOverNone,
  burst,
  bursts,
  cpu,
  ended,
  kept,
  one,
  overNone,
  p99,
  sidequestBurst,
} from "./stores/metrics.js";
import { betterSqlite3Version, type Participants, sidequestNode, takePart } from "./stores/participants.js";
import { directories, openProcess } from "./stores/processes.js";
import { perSecond, routeP99, seconds } from "./stores/route.js";
import { figures, type Measured, peersTable, survival } from "./stores/tables.js";

const sizes: Record<Scale, Size> = {
  short: { rounds: 2, ms: 200, routeRounds: 1 },
  full: { rounds: 15, ms: 500, routeRounds: 5 },
};
const warmUpMs = 300;

interface Size {
  readonly rounds: number;
  readonly ms: number;
  readonly routeRounds: number;
}

export const storesBenchmark: Benchmark = {
  name: "stores",
  title: "The journal beside lmdb, SQLite, BullMQ and sidequest",
  how: [
    `A task is accepted so that it survives \`kill -9\`, runs on one thread (BullMQ: in a worker process), ends, and is gone from the store. Each contender has a process and a directory of its own; in each round every contender is measured once, one task at a time and in bursts of ${burst.toLocaleString("en-US")}, and in the next in the opposite order.`,
    `By hand means an offloader without a journal: each task is recorded before the dispatch and deleted at its end. lmdb: \`put\` and \`remove\` awaited, those of a burst together. SQLite: a prepared INSERT and DELETE for each task, WAL, \`synchronous = NORMAL\` (better-sqlite3 ${betterSqlite3Version}). BullMQ: \`add\` awaited, those of a burst together, \`removeOnComplete\`, a Redis of its own with an append-only file that is synced every second.`,
    "plainjob has its worker on the main thread and keeps what has ended; it looks for jobs every millisecond (by default every second). p-queue runs one task at a time on the main thread, and a plain callback is `setImmediate`: for small work that may be lost, there is no less. BullMQ, worker threads: `useWorkerThreads`, one job at a time.",
    `sidequest 1.16.4, with SQLite by better-sqlite3 13.2.0: \`enqueue\` awaited, those of a burst together; one job at a time on one thread; \`jobPollingInterval: 10\` ms (by default 100), and \`fork: false\`, which was faster than the process of its own that it has by default. It keeps what has ended, and its ends are counted in the database every 10 ms. Its bursts are of ${sidequestBurst}, and it is measured after the others, because it reads its database all the time.${sidequestNode === undefined ? "" : ` It needs Node.js 22.6 or later, so it alone runs on ${sidequestNode}.`}`,
    "The journal also records that a task has started, and would run it again; the records by hand do neither.",
    "Over none: less what the same offloader takes without any store in the same round; of the queues too, which have nothing of that to do in this process. What happens in other threads (lmdb's writer) and processes (Redis, BullMQ's worker) is not the main thread's, but takes its part of the two cores.",
    `The route: a \`node:http\` server in the contender's process accepts one task, waits until it is on record and answers 202; ${perSecond} requests a second for ${seconds} s, sent by another process whatever became of those before. Without a store it is the floor.`,
    `Killed: a process that runs nothing accepts ${left} tasks (sidequest's: 20) and ends by \`kill -9\`, and another one counts what is there. BullMQ's Redis is not killed.`,
  ].join(" "),
  async run(scale, say) {
    const samples = new Samples();
    const base = mkdtempSync(path.join(tmpdir(), "offload-after-response-stores-"));
    const participants = takePart(say);
    const { names } = participants;
    await measureGroup(
      base,
      names.filter((name) => name !== sidequest),
      participants,
      { samples, say, ...sizes[scale] },
    );
    await measureGroup(
      base,
      names.filter((name) => name === sidequest),
      participants,
      { samples, say, ...sizes[scale] },
    );
    say("kill -9");
    const killed = await killAll(base, participants);
    for (const [name, { accepted: of, kept: count }] of killed) samples.add(kept, name, of, count);
    rmSync(base, { recursive: true, force: true });
    addOverNone(samples);
    const measured: Measured = { ...participants, samples, killed };
    return {
      samples,
      tables: [figures(measured), survival(measured)],
      quotes: { peers: peersTable(measured) },
      bars: [
        ...atMost(
          "main-thread us a task with the journal over none, bursts of 1,000",
          samples.summary(overNone[cpu], ours, bursts),
          8,
          "us",
        ),
        ...atLeast(
          `tasks of ${left} that the journal has kept after kill -9`,
          samples.summary(kept, ours, left),
          left,
          "tasks",
        ),
      ],
      charts: [],
    };
  },
};

interface Into extends Size {
  readonly samples: Samples;
  readonly say: (line: string) => void;
}

/** Measures contenders whose processes are there at the same time. */
async function measureGroup(
  base: string,
  names: readonly string[],
  participants: Participants,
  { rounds, ms, routeRounds, samples, say }: Into,
): Promise<void> {
  const programs: [string, Program][] = [];
  for (const [name, dir] of directories(path.join(base, "measured"), names)) {
    programs.push([name, await openProcess(name, participants, { dir })]);
  }
  for (const [name, program] of programs) {
    for (const [, size] of settings(name)) await measure(program, { burst: size, ms: warmUpMs });
  }
  for (let round = 0; round < rounds; round++) {
    say(`round ${round + 1} of ${rounds}`);
    for (const setting of [one, bursts]) {
      // Whoever is first is not first in the next round.
      for (const [name, program] of round % 2 === 0 ? programs : [...programs].reverse()) {
        const size = new Map(settings(name)).get(setting) ?? 1;
        add(samples, name, setting, await measure(program, { burst: size, ms }));
      }
    }
  }
  say("the route");
  const load = new Program("open-load");
  for (const [name, program] of programs) {
    for (const value of await routeP99(load, program, routeRounds)) samples.add(p99, name, perSecond, value);
    await program.ask("close");
    await program.end();
  }
  await load.end();
}

function settings(name: string): readonly (readonly [string, number])[] {
  return [
    [one, 1],
    [bursts, name === sidequest ? sidequestBurst : burst],
  ];
}

function measure(program: Program, order: StoreOrder): Promise<StoreReading> {
  return program.ask<StoreReading>("measure", order);
}

function add(samples: Samples, name: string, at: string, reading: StoreReading): void {
  const { tasks, acceptMs, elapsedMs, cpuMs, activeMs } = reading;
  const ms = quantile(acceptMs, 0.5);
  samples.add(accept, name, at, ms * 1_000);
  samples.add(accepted, name, at, (tasks / acceptMs.length / ms) * 1_000);
  samples.add(ended, name, at, (tasks / elapsedMs) * 1_000);
  samples.add(cpu, name, at, cpuMs && (cpuMs * 1_000) / tasks);
  samples.add(active, name, at, (activeMs * 1_000) / tasks);
}

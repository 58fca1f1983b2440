// What it costs to have each task outlive its process: the journal beside the stores that one would keep a record in by hand,
// and beside a job queue.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  betterSqlite3,
  bullmq,
  bullmqThreads,
  nodeSqlite,
  none,
  ours,
  plainjob,
  pQueue,
  promises,
  sidequest,
  stores,
} from "../contenders/stores/all.js";
import type { StoreOptions } from "../contenders/stores/contender.js";
import { atMost, type Benchmark, type Scale, type Table } from "../harness/benchmark.js";
import { spread } from "../harness/format.js";
import { installOnDemand } from "../harness/on-demand.js";
import { Program } from "../harness/program.js";
import { hasRedis } from "../harness/redis.js";
import { Samples } from "../harness/samples.js";
import { quantile } from "../harness/statistics.js";
import type { StoreOrder, StoreReading } from "../programs/stores.js";
import { peersTable } from "./peers-table.js";

const burst = 1_000;
const one = "one at a time";
const bursts = `bursts of ${burst.toLocaleString("en-US")}`;
const settings: Readonly<Record<string, number>> = { [one]: 1, [bursts]: burst };

const accepted = "tasks accepted a second";
const accept = "us until accepted";
const ended = "tasks a second, from the call to gone from the store";
const cpu = "main-thread us a task, CPU";
const active = "main-thread us a task, loop active";
const overNone = { [cpu]: `${cpu}, over none`, [active]: `${active}, over none` } as const;

// 13 has its binaries in the package, and crashes on Node.js 20; 12 runs there, and is downloaded from GitHub or compiled.
const betterSqlite3Version = Number.parseInt(process.versions.node, 10) >= 22 ? "13.2.0" : "12.11.1";
const opensDatabase = "new (require(process.argv[1]))(':memory:')";

/** Small packages in JavaScript, and that each can be loaded. */
const peers: Readonly<Record<string, { readonly name: string; readonly version: string; readonly entry: string }>> = {
  [plainjob]: { name: "plainjob", version: "0.0.14", entry: "dist/plainjob.js" },
  [pQueue]: { name: "p-queue", version: "9.3.5", entry: "dist/index.js" },
};

const sizes: Record<Scale, { rounds: number; ms: number }> = {
  short: { rounds: 2, ms: 200 },
  full: { rounds: 15, ms: 500 },
};
const warmUpMs = 300;

export const storesBenchmark: Benchmark = {
  name: "stores",
  title: "The journal beside lmdb, SQLite and BullMQ",
  how: [
    "A task is accepted so that it survives `kill -9`, runs on one thread (BullMQ: in a worker process), ends, and is gone from the store. Each contender has a process and a directory of its own. In each round every contender is measured once, one task at a time and in bursts of 1,000. The next round has the opposite order.",
    `By hand means an offloader without a journal: each task is recorded before the dispatch and deleted at its end. lmdb: \`put\` and \`remove\` are awaited, those of a burst together. SQLite: a prepared INSERT and DELETE for each task, WAL, \`synchronous = NORMAL\` (better-sqlite3 ${betterSqlite3Version}). BullMQ: \`add\` is awaited, those of a burst together, with \`removeOnComplete\` and a Redis of its own, whose append-only file is synced every second.`,
    "plainjob has its worker on the main thread and keeps what has ended. It looks for jobs every millisecond (by default every second). p-queue runs one task at a time on the main thread. A plain callback is `setImmediate`, which is the least there is for small work that may be lost. BullMQ, worker threads: `useWorkerThreads`, one job at a time.",
    "The journal also records that a task has started, and would run it again. The records by hand do neither.",
    "Over none: less what the same offloader takes without any store in the same round. The same is subtracted for BullMQ, although it does none of that in this process. What happens in other threads (lmdb's writer) and processes (Redis, BullMQ's worker) is not the main thread's, but takes its part of the two cores.",
  ].join(" "),
  async run(scale, say) {
    const { rounds, ms } = sizes[scale];
    const samples = new Samples();
    const base = mkdtempSync(path.join(tmpdir(), "offload-after-response-stores-"));
    const installed = install(say);
    const missing = leftOut(installed);
    for (const [name, why] of missing) say(`LEFT OUT: ${name}: ${why}`);
    const names = Object.keys(stores).filter((name) => !missing.has(name));
    const programs = await open(base, names, installed);
    for (const [, program] of programs) {
      for (const size of Object.values(settings)) await measure(program, { burst: size, ms: warmUpMs });
    }
    for (let round = 0; round < rounds; round++) {
      say(`round ${round + 1} of ${rounds}`);
      for (const [at, size] of Object.entries(settings)) {
        // Whoever is first is not first in the next round.
        for (const [name, program] of round % 2 === 0 ? programs : [...programs].reverse()) {
          add(samples, name, at, await measure(program, { burst: size, ms }));
        }
      }
    }
    for (const [, program] of programs) {
      await program.ask("close");
      await program.end();
    }
    rmSync(base, { recursive: true, force: true });
    addOverNone(samples);
    return {
      samples,
      tables: [figures(samples, names, missing), survival(names)],
      quotes: { peers: peersTable({ samples, names, missing, accepted, ended, accept, bursts, one }) },
      bars: atMost(
        `main-thread us a task with the journal over none, ${bursts}`,
        samples.summary(overNone[cpu], ours, bursts),
        8,
        "us",
      ),
      charts: [],
    };
  },
};

/** The folders of the packages that are no dev dependencies, by name; without those that cannot be had. */
function install(say: (line: string) => void): Readonly<Record<string, string>> {
  const installed: Record<string, string> = {};
  const betterSqlite3Folder = installOnDemand("better-sqlite3", betterSqlite3Version, opensDatabase, say);
  if (betterSqlite3Folder !== undefined) installed["better-sqlite3"] = betterSqlite3Folder;
  for (const { name, version, entry } of Object.values(peers)) {
    const loads = `import(require("node:url").pathToFileURL(process.argv[1] + "/${entry}"))`;
    const folder = installOnDemand(name, version, loads, say);
    if (folder !== undefined) installed[name] = folder;
  }
  return installed;
}

/** Who does not take part, and why. They have a row that says so. */
function leftOut(installed: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const missing = new Map<string, string>();
  if (!hasRedis()) for (const name of [bullmq, bullmqThreads]) missing.set(name, "no redis-server on this machine");
  // Behind a flag until 22.13. Asked for in this way it is not loaded, which some versions warn of.
  if (!isBuiltin("node:sqlite")) missing.set(nodeSqlite, `not in Node.js ${process.version}`);
  for (const [contender, { name, version }] of Object.entries(peers)) {
    if (!(name in installed)) missing.set(contender, `${name} ${version} could not be installed or loaded`);
  }
  if (!("better-sqlite3" in installed)) {
    for (const name of [betterSqlite3, plainjob]) {
      missing.set(name, `better-sqlite3 ${betterSqlite3Version} could not be installed or loaded`);
    }
  }
  // Without that backend it needs a PostgreSQL server, which no benchmark here has.
  missing.set(sidequest, "its SQLite backend 1.16.5 asks for a @sidequest/core that could not be installed");
  return missing;
}

async function open(
  base: string,
  names: readonly string[],
  installed: Readonly<Record<string, string>>,
): Promise<readonly (readonly [string, Program])[]> {
  const programs: [string, Program][] = [];
  for (const [index, contender] of names.entries()) {
    const dir = path.join(base, String(index));
    mkdirSync(dir);
    // That node:sqlite is experimental is said by the Node.js versions in which it is.
    const program = new Program("stores", { execArgv: ["--disable-warning=ExperimentalWarning"] });
    await program.ask("open", { contender, dir, installed } satisfies StoreOptions & { contender: string });
    programs.push([contender, program]);
  }
  return programs;
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

function addOverNone(samples: Samples): void {
  for (const [metric, over] of Object.entries(overNone)) {
    for (const name of samples.contenders(metric).filter((contender) => contender !== none)) {
      for (const at of samples.settings(metric)) {
        const without = samples.values(metric, none, at);
        for (const [round, us] of samples.values(metric, name, at).entries()) {
          samples.add(over, name, at, us - (without[round] ?? Number.NaN));
        }
      }
    }
  }
}

function figures(samples: Samples, names: readonly string[], missing: ReadonlyMap<string, string>): Table {
  return {
    title: "What it gives and costs",
    columns: [
      "",
      `accepted/s, ${bursts}`,
      `ended/s, ${bursts}`,
      "us until one is accepted",
      `main-thread CPU us a task over none, ${bursts}`,
      `the same, ${one}`,
    ],
    rows: [
      ...names.map((name) => [
        name,
        spread(samples.summary(accepted, name, bursts)),
        spread(samples.summary(ended, name, bursts)),
        spread(samples.summary(accept, name, one)),
        spread(samples.summary(overNone[cpu], name, bursts)),
        spread(samples.summary(overNone[cpu], name, one)),
      ]),
      ...[...missing].map(([name, why]) => [name, `not run: ${why}`, "-", "-", "-", "-"]),
    ],
  };
}

function survival(names: readonly string[]): Table {
  return {
    title: "What becomes of an accepted task, and what there is to install",
    columns: ["", "the process is killed", "the power is cut", "to install"],
    rows: names.map((name) => {
      const { processKilled = "", powerCut = "", toInstall = "" } = promises[name] ?? {};
      return [name, processKilled, powerCut, toInstall];
    }),
  };
}

// What a change gave: this checkout beside another one, in turns, in one run.
//
//   git worktree add ../before <commit> && npm ci --prefix ../before
//   npm run bench:against -- ../before pool [outstanding...]   tiny tasks through a pool of one thread
//   npm run bench:against -- ../before payload                 tasks with payloads of 10 KB to 10 MB, and tasks that fail
//   npm run bench:against -- ../before route                   an Express route that leaves a task without work
import path from "node:path";
import { pathToFileURL } from "node:url";
import { enoughTasks } from "./benchmarks/enough-tasks.js";
import { ours as oursOnRoute } from "./contenders/express/all.js";
import { ours } from "./contenders/pools/all.js";
import { markdown, metricTable } from "./harness/format.js";
import type { MeterReading } from "./harness/meter.js";
import { execArgvInTurns, type Program } from "./harness/program.js";
import { rowsOf } from "./harness/rows.js";
import { Samples } from "./harness/samples.js";
import type { ClosedOrder } from "./programs/closed-load.js";
import type { Order, Payload, Reading } from "./programs/pool.js";

/** A checkout's own programs, compiled from its own source. */
type Start = (program: string) => Program;

const rounds = 15;
const samples = new Samples();
const [directory, subject = "pool", ...rest] = process.argv.slice(2);

async function checkout(dir: string): Promise<Start> {
  const load = (file: string) => import(pathToFileURL(path.resolve(dir, "bench/harness", file)).href);
  (await load("compile.ts")).compile();
  const { Program: Theirs } = await load("program.ts");
  return (program) => new Theirs(program, { execArgv: execArgvInTurns });
}

/** One measurement of each checkout a round; whoever is first is not first in the next. */
async function inTurns(sides: ReadonlyMap<string, () => Promise<void>>): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const order = [...sides.values()];
    for (const measure of round % 2 === 0 ? order : order.reverse()) await measure();
  }
}

/** @param orders by the heads of their columns */
async function pool(sides: ReadonlyMap<string, Start>, orders: ReadonlyMap<number | string, Order>): Promise<void> {
  const programs = new Map([...sides].map(([name, start]) => [name, start("pool")]));
  for (const program of programs.values()) await program.ask("open", { contender: ours, threads: 1 });
  for (const [at, order] of orders) {
    const measures = new Map<string, () => Promise<void>>();
    for (const [name, program] of programs) {
      const tasks = await enoughTasks(program, order, 300);
      measures.set(name, async () => {
        const { elapsedMs, cpuMs, lagMs } = await program.ask<Reading>("measure", { ...order, tasks });
        samples.add("tasks/s", name, at, (tasks * 1_000) / elapsedMs);
        samples.add("main-thread us a task, CPU", name, at, cpuMs && (cpuMs * 1_000) / tasks);
        samples.add("longest lag of the event loop, ms", name, at, lagMs);
      });
    }
    await inTurns(measures);
  }
  for (const program of programs.values()) await program.end();
}

function withOutstanding(levels: readonly number[]): Map<number, Order> {
  return new Map(levels.map((outstanding) => [outstanding, { outstanding, tasks: 0, payload: { kind: "tiny" } }]));
}

function withPayloads(): Map<string, Order> {
  const payloads: Readonly<Record<string, Payload>> = {
    "10 KB of nested objects": { kind: "rows", rows: rowsOf(10_000) },
    "1 MB of nested objects": { kind: "rows", rows: rowsOf(1_000_000) },
    "100 KB copied": { kind: "copy", bytes: 100_000 },
    "10 MB copied": { kind: "copy", bytes: 10_000_000 },
    "1 MB moved": { kind: "move", bytes: 1_000_000 },
    "a failing task": { kind: "fail" },
  };
  return new Map(Object.entries(payloads).map(([at, payload]) => [at, { outstanding: 4, tasks: 0, payload }]));
}

async function route(sides: ReadonlyMap<string, Start>): Promise<void> {
  const client = sides.get("here")?.("closed-load");
  const requests = 6_000;
  const programs: Program[] = [];
  const measures = new Map<string, () => Promise<void>>();
  for (const [name, start] of sides) {
    const server = start("server");
    programs.push(server);
    const port = await server.ask<number>("open", { name: oursOnRoute, threads: 1, iterations: 0 });
    const order: ClosedOrder = { port, connections: 32, requests };
    await client?.ask("run", order);
    measures.set(name, async () => {
      await server.ask("startMeter");
      const elapsedMs = (await client?.ask<number>("run", order)) ?? Number.NaN;
      const { cpuMs } = await server.ask<MeterReading>("readMeter");
      samples.add("requests/s", name, "route", (requests * 1_000) / elapsedMs);
      samples.add("main-thread us a request, CPU", name, "route", cpuMs && (cpuMs * 1_000) / requests);
    });
  }
  await inTurns(measures);
  for (const program of programs) await program.end();
  await client?.end();
}

if (directory === undefined || !["pool", "payload", "route"].includes(subject))
  throw new Error("usage: npm run bench:against -- <another checkout> pool [outstanding...] | payload | route");
const sides = new Map([
  ["there", await checkout(directory)],
  ["here", await checkout(path.join(import.meta.dirname, ".."))],
]);
if (subject === "route") await route(sides);
else if (subject === "payload") await pool(sides, withPayloads());
else await pool(sides, withOutstanding(rest.length > 0 ? rest.map(Number) : [1, 4, 1_000, 100_000]));
for (const metric of new Set(samples.all().map((series) => series.metric)))
  console.log(`\n${markdown(metricTable(samples, metric, metric, "there"))}`);

// Where the main thread's time goes, by function, in what the benchmarks measure:
//
//   npx tsx bench/profile.ts pool [outstanding] [contender]   tiny tasks through a pool
//   npx tsx bench/profile.ts route [contender]                requests to an Express route that leave a task without work
//   npx tsx bench/profile.ts callbacks|tasks [count]          so many registered on each response of node:http
import { ours as route } from "./contenders/express/all.js";
import { ours as pool } from "./contenders/pools/all.js";
import { compile } from "./harness/compile.js";
import { figure, markdown } from "./harness/format.js";
import type { MeterReading } from "./harness/meter.js";
import { Program } from "./harness/program.js";
import type { ClosedOrder } from "./programs/closed-load.js";
import type { Order } from "./programs/pool.js";

const withSourceMaps = { execArgv: ["--enable-source-maps"] };
const [subject = "pool", ...args] = process.argv.slice(2);

/** How many times something was done, and what the main thread did meanwhile. */
interface Profile {
  readonly times: number;
  readonly reading: MeterReading;
}

const subjects: Readonly<Record<string, () => Promise<Profile>>> = {
  pool: () => profilePool(Number(args[0] ?? 1_000), args[1] ?? pool),
  route: () => profileServer("server", { name: args[0] ?? route, threads: 1, iterations: 0 }, 30_000),
  callbacks: () => profileServer("callbacks", { what: "callbacks", count: Number(args[0] ?? 10) }, 20_000),
  tasks: () => profileServer("callbacks", { what: "tasks", count: Number(args[0] ?? 10) }, 20_000),
};

async function profilePool(outstanding: number, contender: string): Promise<Profile> {
  const program = new Program("pool", withSourceMaps);
  await program.ask("open", { contender, threads: 1 });
  const order: Order = { outstanding, tasks: Math.max(100_000, outstanding), payload: { kind: "tiny" } };
  await program.ask("measure", order);
  const times = outstanding < 32 ? order.tasks : order.tasks * 10;
  await program.ask("startMeter", true);
  await program.ask("measure", { ...order, tasks: times });
  const reading = await program.ask<MeterReading>("readMeter");
  await program.end();
  return { times, reading };
}

async function profileServer(name: string, options: object, requests: number): Promise<Profile> {
  const server = new Program(name, withSourceMaps);
  const client = new Program("closed-load");
  const port = await server.ask<number>("open", options);
  const order: ClosedOrder = { port, connections: 32, requests };
  await client.ask("run", order);
  await server.ask("startMeter", true);
  await client.ask("run", order);
  const reading = await server.ask<MeterReading>("readMeter");
  await server.end();
  await client.end();
  return { times: requests, reading };
}

const profile = subjects[subject];
if (profile === undefined)
  throw new Error(`nothing to profile by that name; there are ${Object.keys(subjects).join(", ")}`);
compile();
const { times, reading } = await profile();
const total = reading.profile.reduce((sum, { selfMs }) => sum + selfMs, 0);
console.log(
  markdown({
    title: `${subject} ${args.join(" ")}: ${figure((total * 1_000) / times)} us of main thread each, under the profiler`,
    columns: ["function", "where", "self", "us each"],
    rows: reading.profile
      .slice(0, 40)
      .map(({ name, where, selfMs }) => [
        name,
        where,
        `${figure((selfMs / total) * 100)} %`,
        figure((selfMs * 1_000) / times),
      ]),
  }),
);

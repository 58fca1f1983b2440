// What the call in a handler costs: a route with `offloadAfterResponse` against the same route without.
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { root } from "../../scripts/run.js";
import { floor, ours } from "../contenders/express/all.js";
import { atLeast, type Benchmark, ofEachRound, type Scale, type Sizes, sizeOf } from "../harness/benchmark.js";
import { metricTable } from "../harness/format.js";
import type { MeterReading } from "../harness/meter.js";
import { execArgvInTurns, Program } from "../harness/program.js";
import { Samples } from "../harness/samples.js";
import type { ClosedOrder } from "../programs/closed-load.js";
import type { ServerOrder } from "../programs/server.js";

const connections = 32;
const rate = "requests/s";
const cpu = "main-thread us a request, CPU";
const photo = path.join(root, "examples/photos/chelsea.png");

interface Route {
  /** Its name in tables. */
  readonly at: string;
  readonly upload?: string;
  readonly contenders: readonly string[];
  readonly warmUp: number;
  readonly requests: Sizes<number>;
}

const routes: readonly Route[] = [
  {
    at: `an upload of ${Math.round((await stat(photo)).size / 1_000)} kB`,
    upload: photo,
    contenders: [floor, ours],
    warmUp: 700,
    requests: { short: 600, full: 2_000 },
  },
];

// A process is as fast as its code happens to be compiled and laid out, up to 10 % more or less: none serves longer than this.
const roundsPerProcess = 3;

const sizes: Sizes<{ readonly rounds: number }> = { short: { rounds: 6 }, full: { rounds: 30 } };

export const routeBenchmark: Benchmark = {
  name: "route",
  title: "Throughput of an Express route with and without offloadAfterResponse",
  how: [
    "The server processes have the same route: it receives a photo, writes it to the disk and answers. One of them also hands a task without work to one thread.",
    `In each round a client loads one process and then the next. It has ${connections} connections, and each sends its next request when it has an answer. After ${roundsPerProcess} rounds all processes are started anew, because two processes with the same program are not equally fast.`,
    "The thread shares the two cores with the server and the client, so its part of the loss is counted.",
  ].join(" "),
  async run(scale, say) {
    const samples = new Samples();
    const uploads = await mkdtemp(path.join(tmpdir(), "offload-after-response-bench-"));
    const client = new Program("closed-load");
    for (let round = 0; round < sizeOf(sizes, scale).rounds; ) {
      const ends = round + roundsPerProcess;
      for (const route of routes) await measure({ route, scale, uploads, client, samples, rounds: [round, ends] });
      round = ends;
      say(`${round} rounds of ${sizeOf(sizes, scale).rounds}`);
    }
    await client.end();
    await rm(uploads, { recursive: true });
    return {
      samples,
      tables: [
        metricTable(samples, rate, "Requests/s", floor),
        metricTable(samples, cpu, "Main-thread us a request, CPU", floor),
      ],
      bars: routes.flatMap(({ at }) =>
        atLeast(`requests/s over the route without: ${at}`, samples.ratio(rate, ours, floor, at), 0.95),
      ),
      charts: [],
    };
  },
};

interface Measurement {
  readonly route: Route;
  readonly scale: Scale;
  readonly uploads: string;
  readonly client: Program;
  readonly samples: Samples;
  /** The first one, and the one after the last. */
  readonly rounds: readonly [number, number];
}

/** Some rounds of one route, of processes started for them. */
async function measure({ route, scale, uploads, client, samples, rounds: [first, end] }: Measurement): Promise<void> {
  const servers = await Promise.all(route.contenders.map((name) => startServer(name, uploads)));
  const load = (port: number, requests: number) =>
    client.ask<number>("run", { port, connections, requests, upload: route.upload } satisfies ClosedOrder);
  for (const { port } of servers) await load(port, route.warmUp);
  const requests = ofEachRound(route.requests, scale);
  for (let round = first; round < end; round++) {
    // Whoever is first is not first in the next round.
    for (const { name, program, port } of round % 2 === 0 ? servers : [...servers].reverse()) {
      await program.ask("startMeter");
      const elapsedMs = await load(port, requests);
      const { cpuMs } = await program.ask<MeterReading>("readMeter");
      samples.add(rate, name, route.at, (requests * 1_000) / elapsedMs);
      samples.add(cpu, name, route.at, cpuMs && (cpuMs * 1_000) / requests);
    }
  }
  for (const { program } of servers) await program.end();
}

async function startServer(name: string, uploads: string): Promise<{ name: string; program: Program; port: number }> {
  const program = new Program("server", { execArgv: execArgvInTurns });
  const port = await program.ask<number>("open", { name, threads: 1, iterations: 0, uploads } satisfies ServerOrder);
  return { name, program, port };
}

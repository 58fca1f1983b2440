// What the call in a handler costs: a route with `offloadAfterResponse` against the same route without.
import { floor, ours, parts } from "../contenders/express/all.js";
import { atLeast, type Benchmark, type Scale } from "../harness/benchmark.js";
import { metricTable } from "../harness/format.js";
import type { MeterReading } from "../harness/meter.js";
import { Program } from "../harness/program.js";
import { Samples } from "../harness/samples.js";
import type { ClosedOrder } from "../programs/closed-load.js";

const connections = 32;
const rate = "requests/s";
const cpu = "main-thread us a request, CPU";
const column = "POST /photos";
const warmUp = 7_000;

// A process is as fast as its code happens to be compiled and laid out, up to 10 % more or less: none serves longer than this.
const roundsPerProcess = 3;

const sizes: Record<Scale, { rounds: number; requests: number }> = {
  short: { rounds: 6, requests: 3_000 },
  full: { rounds: 30, requests: 6_000 },
};

export const routeBenchmark: Benchmark = {
  name: "route",
  title: "Throughput of an Express route with and without offloadAfterResponse",
  how: [
    `Server processes with the same route, one of which hands a task without work to one thread. In each round a client with ${connections} connections sends as many requests as are answered to one of them, then to the next; after ${roundsPerProcess} rounds all are started anew, for processes with the same program differ.`,
    "The thread shares the two cores with the server and the client, so its part of the loss is counted. The rows below the second are what parts of that cost: to know the response of every request, and a thread without any library.",
  ].join(" "),
  async run(scale, say) {
    const { rounds, requests } = sizes[scale];
    const samples = new Samples();
    const client = new Program("closed-load");
    const load = ({ port }: { port: number }, count: number) =>
      client.ask<number>("run", { port, connections, requests: count } satisfies ClosedOrder);
    for (let round = 0; round < rounds; ) {
      const servers = await Promise.all([floor, ours, ...Object.keys(parts)].map((name) => startServer(name)));
      for (const server of servers) await load(server, warmUp);
      for (const end = round + roundsPerProcess; round < end; round++) {
        // Whoever is first is not first in the next round.
        for (const server of round % 2 === 0 ? servers : [...servers].reverse()) {
          await server.program.ask("startMeter");
          const elapsedMs = await load(server, requests);
          const { cpuMs } = await server.program.ask<MeterReading>("readMeter");
          samples.add(rate, server.name, column, (requests * 1_000) / elapsedMs);
          samples.add(cpu, server.name, column, cpuMs && (cpuMs * 1_000) / requests);
        }
      }
      for (const { program } of servers) await program.end();
      say(`${round} rounds of ${rounds}`);
    }
    await client.end();
    return {
      samples,
      tables: [
        metricTable(samples, rate, "Requests/s", floor),
        metricTable(samples, cpu, "Main-thread us a request, CPU", floor),
      ],
      bars: atLeast("requests/s over the route without", samples.ratio(rate, ours, floor, column), 0.95),
      charts: [],
    };
  },
};

async function startServer(name: string): Promise<{ name: string; program: Program; port: number }> {
  const program = new Program("server");
  const port = await program.ask<number>("open", { name, threads: 1, iterations: 0 });
  return { name, program, port };
}

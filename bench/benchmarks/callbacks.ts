// What one response with many tasks or callbacks costs the main thread.
import { type Benchmark, type Sizes, sizeOf } from "../harness/benchmark.js";
import { metricTable } from "../harness/format.js";
import type { MeterReading } from "../harness/meter.js";
import { Program } from "../harness/program.js";
import { Samples } from "../harness/samples.js";
import { lineChart } from "../plot/of-samples.js";
import type { What } from "../programs/callbacks.js";
import type { ClosedOrder } from "../programs/closed-load.js";

const connections = 16;
const kinds: readonly What[] = ["callbacks", "tasks"];
const names: Record<What, string> = { callbacks: "runAfterResponse", tasks: "offloadAfterResponse" };
const cpu = "main-thread us a response, CPU";
const each = "us for each";

const sizes: Sizes<{ rounds: number; counts: readonly number[]; requests: number }> = {
  short: { rounds: 2, counts: [0, 10, 100], requests: 2_000 },
  full: { rounds: 7, counts: [0, 1, 3, 10, 30, 100], requests: 10_000 },
};

export const callbacksBenchmark: Benchmark = {
  name: "callbacks",
  title: "1 to 100 callbacks or tasks on one response",
  how: [
    `A server of node:http has ${connections} connections, and each sends a request as soon as it has an answer. The first figure is the CPU time of the server's main thread for a response with all that was registered on it.`,
    "The second is the part of each: the CPU time beyond that of a response with none, divided by how many there are.",
  ].join(" "),
  async run(scale, say) {
    const { rounds, counts, requests } = sizeOf(sizes, scale);
    const samples = new Samples();
    const client = new Program("closed-load");
    for (let round = 0; round < rounds; round++) {
      say(`round ${round + 1} of ${rounds}`);
      for (const what of kinds) {
        let none = Number.NaN;
        for (const count of counts) {
          const us = await cpuOf(client, what, count, count < 30 ? requests : Math.ceil(requests / 3));
          if (count === 0) none = us;
          samples.add(cpu, names[what], count, us);
          if (count > 0) samples.add(each, names[what], count, (us - none) / count);
        }
      }
    }
    await client.end();
    return {
      samples,
      tables: [
        metricTable(samples, cpu, "Main-thread us a response, by how many are registered on it"),
        metricTable(samples, each, "us for each of them"),
      ],
      bars: [],
      charts: [
        lineChart(samples, each, {
          file: "callbacks",
          title: "Many callbacks or tasks on one response",
          subtitle: "Main-thread CPU for each, beyond the response itself. Median, lowest to highest shaded.",
          x: { label: "registered on one response", scale: "log" },
          y: { label: "us each", scale: "linear" },
        }),
      ],
    };
  },
};

async function cpuOf(client: Program, what: What, count: number, requests: number): Promise<number> {
  const server = new Program("callbacks");
  const port = await server.ask<number>("open", { what, count });
  const order: ClosedOrder = { port, connections, requests };
  await client.ask("run", order);
  await server.ask("startMeter");
  await client.ask("run", order);
  const { cpuMs, activeMs } = await server.ask<MeterReading>("readMeter");
  await server.end();
  return ((cpuMs ?? activeMs) * 1_000) / requests;
}

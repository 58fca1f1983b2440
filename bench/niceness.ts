// npm run bench:niceness: what each niceness of the threads gives and takes where as many threads as cores share them with another busy
// process. It shows whether any of them reaches both bars of the benchmark "priority". `-- 3` takes three rounds.
import path from "node:path";
import { perSecond, rivals, startLoads, threads, workMs } from "./benchmarks/priority.js";
import { floor, niced, nicenesses, piscina } from "./contenders/express/all.js";
import { iterationsFor } from "./harness/calibrate.js";
import { compile } from "./harness/compile.js";
import { environment } from "./harness/environment.js";
import { markdown, spread } from "./harness/format.js";
import { latencyRound } from "./harness/latency-round.js";
import type { Program } from "./harness/program.js";
import { inWords, publish } from "./harness/publish.js";
import { Samples } from "./harness/samples.js";
import { quantile } from "./harness/statistics.js";

const words = process.argv.slice(2);
const [rounds = 2] = words.map(Number).filter(Number.isInteger);
const seconds = 4;
const contenders = [floor, piscina, ...nicenesses.map(niced)];
const clients = rivals.filter(({ wait }) => wait === "spin");

compile();
const machine = environment();
const iterations = iterationsFor(workMs);
const samples = new Samples();
const loads = startLoads();
for (let round = 0; round < rounds; round++) {
  for (const { at, wait, ownSession } of clients) {
    for (const name of round % 2 === 0 ? contenders : [...contenders].reverse()) {
      const order = { name, threads, iterations, perSecond, seconds, wait, untilDone: false };
      const { latencies, doneAtTheEnd } = await latencyRound(loads.get(ownSession) as Program, order);
      samples.add("p99", name, at, quantile(latencies, 0.99));
      if (name !== floor) samples.add("done", name, at, doneAtTheEnd * 100);
    }
  }
  console.error(`round ${round + 1} of ${rounds}`);
}
for (const load of loads.values()) await load.end();

const table = {
  title: "p99 over that without work (bar: at most 2.5 x), and work over that of Piscina (bar: at least 0.95 x)",
  columns: ["", ...clients.flatMap(({ at }) => [`p99, ${at}`, `work, ${at}`])],
  rows: contenders
    .filter((name) => name !== floor)
    .map((name) => [
      name,
      ...clients.flatMap(({ at }) => [
        `${spread(samples.ratio("p99", name, floor, at))} x`,
        `${spread(samples.ratio("done", name, piscina, at))} x`,
      ]),
    ]),
};
const block = [inWords(machine, "npm run bench:niceness -- --publish"), markdown(table)].join("\n\n");
console.log(block);
if (words.includes("--publish"))
  publish(path.join(import.meta.dirname, "../docs/performance.md"), new Map([["niceness", block]]));

// Benchmarks that are programs of their own, since they measure parts that no public name reaches: they are run as they are,
// and what they print is passed on.
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { root } from "../../scripts/run.js";
import { atLeast, atMost, type Bar, type Benchmark, type Sizes } from "../harness/benchmark.js";
import { Samples } from "../harness/samples.js";
import { summarise } from "../harness/statistics.js";

interface Script {
  readonly name: string;
  readonly title: string;
  /** In bench/. */
  readonly file: string;
  readonly args: Sizes<readonly string[]> & { readonly quick?: readonly string[] };
  readonly bars: (output: string) => readonly Bar[];
  /** Adds what it measured, for who compares runs. */
  readonly record?: (output: string, samples: Samples) => void;
}

function scriptBenchmark({ name, title, file, args, bars, record }: Script): Benchmark {
  return {
    name,
    title,
    how: `Printed by \`node bench/${file}\`.`,
    async run(scale) {
      const output = await outputOf(path.join(root, "bench", file), args[scale] ?? args.short);
      const samples = new Samples();
      record?.(output, samples);
      return { samples, text: output, tables: [], bars: bars(output), charts: [] };
    },
  };
}

async function outputOf(file: string, args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [file, ...args], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  // The exit code says only whether its bars were met.
  await once(child, "close");
  return Buffer.concat(chunks).toString();
}

export const costOverNone = "main-thread us a request more than none, in memory";

export const costBenchmark: Benchmark = scriptBenchmark({
  name: "cost",
  title: "What a task costs the main thread of a route",
  file: "route-cost.mjs",
  args: { quick: ["1", "8"], short: ["4"], full: ["10"] },
  record(output, samples) {
    for (const [, framework = "", more = ""] of output.matchAll(/^(\S+) +[\d.]+ us a request; more: (.+)$/gm)) {
      for (const [, way = "", us] of more.matchAll(/(\S.*?) (-?[\d.]+)(?:, |$)/g)) {
        samples.add(costOverNone, way, framework, Number(us));
      }
    }
  },
  bars(output) {
    return [...output.matchAll(/^(?:met|NOT met) +(.+): (-?[\d.]+) \(bar: ([\d.]+)(?:; (.+))?\)$/gm)].flatMap(
      ([, text = "", measured, bound, floor]) =>
        atMost(floor ? `${text} (${floor})` : text, summarise([Number(measured)]), Number(bound), ""),
    );
  },
});

export const settleBenchmark: Benchmark = scriptBenchmark({
  name: "settle",
  title: "Knowing that a response is over",
  file: "response-settle.mjs",
  args: { short: [], full: [] },
  bars(output) {
    const [, us, bound] = /^at most ([\d.-]+) us over a bare listener \(target: ([\d.]+) us\)$/m.exec(output) ?? [];
    const measured = us === undefined ? undefined : summarise([Number(us)]);
    return atMost('main thread a response over a bare res.on("finish")', measured, Number(bound), "us");
  },
});

export const journalBenchmark: Benchmark = scriptBenchmark({
  name: "journal",
  title: "The journal",
  file: "journal-append.mjs",
  args: { quick: ["1", "small object"], short: ["2"], full: ["25"] },
  bars(output) {
    return [...output.matchAll(/^(met|NOT met) +(.+): ([\d.]+) \(bar: ([\d.]+)\)$/gm)].flatMap(
      ([, , text = "", measured, bound]) => {
        const compare = text.includes("a second") ? atLeast : atMost;
        return compare(text, summarise([Number(measured)]), Number(bound), "");
      },
    );
  },
});

export const replayBenchmark: Benchmark = scriptBenchmark({
  name: "replay",
  title: "What a killed process has left",
  file: "journal-replay.mjs",
  args: { quick: ["100000"], short: ["100000", "1000000"], full: ["100000", "1000000"] },
  bars(output) {
    return [...output.matchAll(/^(?:met|NOT met) +(ms of CPU in one turn, .+): ([\d.]+) \(bar: (\d+)\)$/gm)].flatMap(
      ([, text = "", measured, bound]) => atMost(`replay: ${text}`, summarise([Number(measured)]), Number(bound), ""),
    );
  },
});

export const kitBenchmark: Benchmark = scriptBenchmark({
  name: "kit",
  title: "The testing kit",
  file: "testing-kit.mjs",
  args: { short: [], full: [] },
  bars(output) {
    return [...output.matchAll(/^(?:met|NOT met) +(.+): ([\d.]+) \(bar: (\d+)\)$/gm)].flatMap(
      ([, text = "", measured, bound]) => atMost(text, summarise([Number(measured)]), Number(bound), ""),
    );
  },
});

// npm run bench:nodes: the benchmarks that depend most on the version of Node.js, on each of its lines, in one table.
// `--publish` renews that table in docs/performance.md. Further words are names of versions: `-- 22.23.3 24.21.0`.
import { readFileSync } from "node:fs";
import path from "node:path";
import { nodeBinary, nodeVersions } from "../scripts/nodes.js";
import { root, succeeds } from "../scripts/run.js";
import { costOverNone } from "./benchmarks/script.js";
import type { Bar, Scale, Table } from "./harness/benchmark.js";
import { figure, markdown, spread } from "./harness/format.js";
import { publish } from "./harness/publish.js";
import type { Series } from "./harness/samples.js";
import { summarise } from "./harness/statistics.js";

interface Results {
  readonly date: string;
  readonly load: number;
  readonly benchmarks: Readonly<Record<string, Part | undefined>>;
}

interface Part {
  readonly series: readonly Series[];
  readonly bars: readonly Bar[];
}

/** What is compared: series of the results file, and the unit of their values. */
interface Figure {
  readonly benchmark: string;
  readonly metric: string;
  readonly contender: string;
  readonly at: number | string;
}

/** The least of several starts is what the cost of a task is, so that one has no quick form here. */
const runs: Readonly<Partial<Record<Scale, readonly string[]>>> = { quick: ["routes", "pool"], short: ["cost"] };
const frameworks = ["node:http", "Fastify", "Express"];
const ours = "offload-after-response";
const steadyUs = "at 500/s, us a request of the whole process, CPU";

const figures: readonly Figure[] = [
  ...frameworks.flatMap((at) =>
    ["tracking only", "offloadAfterResponse(res)", "a bare message"].map((contender) => ({
      benchmark: "cost",
      metric: costOverNone,
      contender,
      at,
    })),
  ),
  ...frameworks.flatMap((at) =>
    ["none", "offloadAfterResponse(res)", "a bare Worker, a message a turn"].map((contender) => ({
      benchmark: "routes",
      metric: steadyUs,
      contender,
      at,
    })),
  ),
  ...[1, 1_000].flatMap((at) =>
    [ours, "Piscina", "raw postMessage, batched"].flatMap((contender) =>
      ["tasks/s", "main-thread us a task, CPU"].map((metric) => ({ benchmark: "pool", metric, contender, at })),
    ),
  ),
];

const words = process.argv.slice(2);
const named = words.filter((word) => !word.startsWith("--"));
// One of each line: 20.19.0 is there for what the package allows, not for its speed.
const newest = [...new Map(nodeVersions.map((version) => [version.split(".")[0], version])).values()];
const versions = named.length > 0 ? named : newest;

const results = new Map<string, Results>();
for (const version of versions) {
  console.error(`Node.js ${version}`);
  results.set(version, resultsOn(version));
}

const block = [inWords(), markdown(table()).trim(), markdown(barsTable()).trim()].join("\n\n");
console.log(`\n${block}`);
if (words.includes("--publish")) publish(path.join(root, "docs/performance.md"), new Map([["nodes", block]]));

function resultsOn(version: string): Results {
  const all = Object.entries(runs).map(([scale, benchmarks]) => {
    const run = ["--import", "tsx", path.join(root, "bench/run.ts"), scale, ...benchmarks];
    if (!succeeds(nodeBinary(version), run)) throw new Error(`the benchmarks failed on Node.js ${version}`);
    return JSON.parse(readFileSync(path.join(root, "bench/results/results.json"), "utf8")) as Results;
  });
  return Object.assign({}, ...all, {
    load: all[0]?.load,
    benchmarks: Object.assign({}, ...all.map((one) => one.benchmarks)),
  });
}

/** What we hold ourselves to, on each line. The bounds of some are others before Node.js 24, and so are their floors. */
function barsTable(): Table {
  const all = versions.map((version) => barsOf(results.get(version)));
  const texts = new Set(all.flatMap((bars) => bars.map(({ text }) => withoutFloor(text))));
  return {
    title: "What we hold ourselves to, on each line of Node.js",
    columns: ["", ...versions.map((version) => `Node.js ${version}`)],
    rows: [...texts].map((text) => [
      text,
      ...all.map((bars) => {
        const bar = bars.find((one) => withoutFloor(one.text) === text);
        if (bar === undefined) return "-";
        const floor = bar.text.slice(text.length).replace(/^ \((.+)\)$/, "; $1");
        return `${bar.met ? "yes" : "NO"}: ${spread(bar.measured)} (bound: ${bar.bound}${floor})`;
      }),
    ]),
  };
}

function barsOf(found: Results | undefined): readonly Bar[] {
  return Object.values(found?.benchmarks ?? {}).flatMap((part) => part?.bars ?? []);
}

function withoutFloor(text: string): string {
  return text.replace(/ \(.+\)$/, "");
}

function table(): Table {
  return {
    title: "The same on each line of Node.js, medians",
    columns: ["", ...versions.map((version) => `Node.js ${version}`)],
    rows: figures.map((wanted) => {
      const { benchmark, metric, contender, at } = wanted;
      const where = benchmark === "pool" ? `${at.toLocaleString("en-US")} outstanding` : at;
      return [`${metric}: ${contender}, ${where}`, ...versions.map((version) => cell(results.get(version), wanted))];
    }),
  };
}

function cell(found: Results | undefined, { benchmark, metric, contender, at }: Figure): string {
  const series = found?.benchmarks[benchmark]?.series.find(
    (one) => one.metric === metric && one.contender === contender && one.at === at,
  );
  return series === undefined ? "-" : figure(summarise(series.values).median);
}

function inWords(): string {
  const all = [...results.values()];
  const loads = all.map(({ load }) => figure(load)).join(", ");
  return `Measured on ${all[0]?.date ?? "-"} with \`npm run bench:nodes\`, one version after the other. Load when each began: ${loads}.`;
}

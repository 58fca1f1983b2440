// npm run bench:nodes: the benchmarks that depend most on the version of Node.js, on each of its lines, in one table.
// `--publish` renews that table in docs/performance.md. Further words are names of versions: `-- 22.23.3 24.21.0`.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { nodeBinary, nodeVersions } from "../scripts/nodes.js";
import { root, succeeds } from "../scripts/run.js";
import { ways } from "./benchmarks/routes.js";
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

/** The least of several starts is what the cost of a task is, and every way to dispatch is to have a figure: the two have no quick form here. */
const runs: Readonly<Partial<Record<Scale, readonly string[]>>> = { short: ["routes", "cost"], quick: ["pool"] };
const frameworks = ["node:http", "Fastify", "Express"];

/** What a task adds to a request. The README has these. */
const costs: readonly Figure[] = frameworks.flatMap((at) =>
  ["offloadAfterResponse(res)", "a task by hand", "a bare message", "tracking only", "a bare context"].map(
    (contender) => ({ benchmark: "cost", metric: costOverNone, contender, at }),
  ),
);

const ofRoutes = (metric: string): readonly Figure[] =>
  frameworks.flatMap((at) => ways.map((contender) => ({ benchmark: "routes", metric, contender, at })));

const ofPool = (metric: string): readonly Figure[] =>
  [1, 1_000].flatMap((at) =>
    ["offload-after-response", "Piscina", "raw postMessage, batched"].map((contender) => ({
      benchmark: "pool",
      metric,
      contender,
      at,
    })),
  );

/** By the titles of their tables. */
const figures: Readonly<Record<string, readonly Figure[]>> = {
  "What a request costs more, us of main-thread CPU, over connections in memory": costs,
  "Requests/s, 32 connections": ofRoutes("requests/s"),
  "Main-thread us a request, CPU, 32 connections": ofRoutes("main-thread us a request, CPU"),
  "Main-thread us a request, CPU, at 500/s": ofRoutes("at 500/s, main-thread us a request, CPU"),
  "us a request of the whole process, CPU, at 500/s": ofRoutes("at 500/s, us a request of the whole process, CPU"),
  "Tiny tasks a second, by tasks outstanding": ofPool("tasks/s"),
  "Main-thread us a tiny task, CPU, by tasks outstanding": ofPool("main-thread us a task, CPU"),
};

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

const block = [
  inWords(),
  ...Object.entries(figures).map(([title, of]) => markdown(table(title, of)).trim()),
  markdown(barsTable()).trim(),
].join("\n\n");
const short = markdown(costTable()).trim();
console.log(`\n${block}\n\n${short}`);
if (words.includes("--publish")) {
  publish(path.join(root, "docs/performance.md"), new Map([["nodes", block]]));
  publish(path.join(root, "README.md"), new Map([["lines", short]]));
  writeFileSync(path.join(root, "docs/performance/nodes.json"), `${JSON.stringify([...results], undefined, 1)}\n`);
}

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

function table(title: string, of: readonly Figure[]): Table {
  return {
    title: `${title}, medians`,
    columns: ["", ...versions.map((version) => `Node.js ${version}`)],
    rows: of.map((wanted) => [
      `${wanted.at.toLocaleString("en-US")}: ${wanted.contender}`,
      ...versions.map((version) => cell(results.get(version), wanted)),
    ]),
  };
}

/** The README's. */
function costTable(): Table {
  const shown = costs.filter(({ contender, at }) => contender !== "a bare context" && at !== "Fastify");
  return {
    title: `Added to a request, us (${results.get(versions[0] ?? "")?.date ?? "-"})`,
    columns: ["", ...versions.map((version) => `Node.js ${version}`)],
    rows: shown.map((wanted) => [
      `${wanted.at}: ${wanted.contender}`,
      ...versions.map((version) => cell(results.get(version), wanted)),
    ]),
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
  return `Measured on ${all[0]?.date ?? "-"} with \`npm run bench:nodes -- --publish\`, one version after the other. Load when each began: ${loads}.`;
}

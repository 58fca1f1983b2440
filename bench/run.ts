// npm run bench, npm run bench:full: runs the benchmarks, prints their tables, writes figures and pictures to bench/results/.
// `npm run bench -- pool latency` runs these two alone. `--publish` also renews the figures and pictures of
// docs/performance.md.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root } from "../scripts/run.js";
import { benchmarks } from "./benchmarks/all.js";
import type { Bar, Findings, Scale } from "./harness/benchmark.js";
import { compile } from "./harness/compile.js";
import { environment } from "./harness/environment.js";
import { markdown, spread } from "./harness/format.js";
import { inWords, publish } from "./harness/publish.js";
import { draw } from "./plot/svg.js";

const [scaleName = "quick", ...words] = process.argv.slice(2);
const publishing = words.includes("--publish");
const scale = scaleOf();
const wanted = words.filter((word) => !word.startsWith("--"));
const unknown = wanted.filter((word) => !benchmarks.some(({ name }) => name === word));
if (unknown.length > 0) {
  throw new Error(`no benchmark ${unknown.join(", ")}; there are ${benchmarks.map(({ name }) => name).join(", ")}`);
}
// The page names one run for all its figures.
if (publishing && wanted.length > 0) throw new Error("--publish goes with all benchmarks");

compile();
const machine = environment();
const startedAt = performance.now();
const results: Record<string, object> = {};
const pictures = new Map<string, string>();
const blocks = new Map<string, string>();
const bars: Bar[] = [];
for (const benchmark of benchmarks) {
  if (wanted.length > 0 && !wanted.includes(benchmark.name)) continue;
  const { name, title, how } = benchmark;
  console.log(`\n## ${title}\n\n${how}\n`);
  const began = performance.now();
  const findings = await benchmark.run(scale, (line) => console.error(`${name}: ${line}`));
  const block = [how, ...texts(findings), ...findings.tables.map((table) => markdown(table).trim())].join("\n\n");
  console.log(block.slice(how.length).trim());
  blocks.set(name, block);
  for (const [quote, table] of Object.entries(findings.quotes ?? {})) blocks.set(quote, markdown(table));
  bars.push(...findings.bars);
  for (const chart of findings.charts) pictures.set(`${chart.file}.svg`, draw(chart));
  results[name] = {
    title,
    how,
    seconds: seconds(began),
    text: findings.text,
    series: findings.samples.all(),
    bars: findings.bars,
  };
}

const barsTable = markdown({
  title: "What we hold ourselves to",
  columns: ["", "bound", "measured", "met"],
  rows: bars.map(({ text, measured, bound, unit, met }) => [
    text,
    `${bound.toLocaleString("en-US")} ${unit}`.trim(),
    spread(measured),
    met ? "yes" : "NO",
  ]),
});
console.log(`\n## ${barsTable}`);
blocks.set("bars", barsTable);
blocks.set("environment", inWords(machine, `npm run ${scale === "full" ? "bench:full" : "bench"} -- --publish`));

const figures = JSON.stringify({ scale, ...machine, seconds: seconds(startedAt), benchmarks: results }, undefined, 1);
write(path.join(root, "bench/results"));
if (publishing) {
  write(path.join(root, "docs/performance"));
  for (const page of ["docs/performance.md", "docs/is-it-worth-it.md", "README.md"]) {
    publish(path.join(root, page), blocks);
  }
}

/** A quick run has too few rounds to be published. */
function scaleOf(): Scale {
  if (scaleName === "full") return "full";
  return publishing || scaleName === "short" ? "short" : "quick";
}

function texts({ text }: Findings): string[] {
  return text === undefined ? [] : [`\`\`\`text\n${text.trim()}\n\`\`\``];
}

function write(folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "results.json"), `${figures}\n`);
  for (const [file, svg] of pictures) writeFileSync(path.join(folder, file), svg);
  console.log(`Figures and pictures: ${path.relative(root, folder)}`);
}

function seconds(since: number): number {
  return Math.round((performance.now() - since) / 1_000);
}

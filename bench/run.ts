// npm run bench, npm run bench:full: runs the benchmarks, prints their tables, writes figures and pictures.
// `npm run bench -- pool http` runs these two alone. `--publish` also puts what docs/performance.md shows into docs/performance/.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root } from "../scripts/run.js";
import { benchmarks } from "./benchmarks/all.js";
import type { Bar, Findings, Scale } from "./harness/benchmark.js";
import { compile } from "./harness/compile.js";
import { environment } from "./harness/environment.js";
import { markdown, spread } from "./harness/format.js";
import { draw } from "./plot/svg.js";

const [scaleName = "short", ...words] = process.argv.slice(2);
const scale: Scale = scaleName === "full" ? "full" : "short";
const wanted = words.filter((word) => !word.startsWith("--"));
const unknown = wanted.filter((word) => !benchmarks.some(({ name }) => name === word));
if (unknown.length > 0) {
  throw new Error(`no benchmark ${unknown.join(", ")}; there are ${benchmarks.map(({ name }) => name).join(", ")}`);
}

const folders = [
  path.join(root, "bench/results"),
  ...(words.includes("--publish") ? [path.join(root, "docs/performance")] : []),
];
for (const folder of folders) mkdirSync(folder, { recursive: true });

compile();
const startedAt = performance.now();
const results: Record<string, object> = {};
const bars: (Bar & { benchmark: string })[] = [];
for (const benchmark of benchmarks) {
  if (wanted.length > 0 && !wanted.includes(benchmark.name)) continue;
  console.log(`\n## ${benchmark.title}\n\n${benchmark.how}\n`);
  const began = performance.now();
  const findings = await benchmark.run(scale, (line) => console.error(`${benchmark.name}: ${line}`));
  if (findings.text !== undefined) console.log(`\`\`\`text\n${findings.text.trim()}\n\`\`\`\n`);
  for (const table of findings.tables) console.log(markdown(table));
  bars.push(...findings.bars.map((bar) => ({ ...bar, benchmark: benchmark.name })));
  results[benchmark.name] = {
    title: benchmark.title,
    how: benchmark.how,
    seconds: Math.round((performance.now() - began) / 1_000),
    text: findings.text,
    series: findings.samples.all(),
    bars: findings.bars,
  };
  writePictures(findings);
}

console.log(
  markdown({
    title: "## Bars",
    columns: ["bar", "benchmark", "bound", "measured", "met"],
    rows: bars.map(({ text, benchmark, measured, bound, unit, met }) => [
      text,
      benchmark,
      `${bound} ${unit}`,
      spread(measured),
      met ? "yes" : "NO",
    ]),
  }),
);
const figures = {
  scale,
  ...environment(),
  seconds: Math.round((performance.now() - startedAt) / 1_000),
  benchmarks: results,
};
for (const folder of folders)
  writeFileSync(path.join(folder, "results.json"), `${JSON.stringify(figures, undefined, 1)}\n`);
console.log(`Figures and pictures: ${folders.map((folder) => path.relative(root, folder)).join(", ")}`);

function writePictures({ charts }: Findings): void {
  for (const chart of charts) {
    for (const folder of folders) writeFileSync(path.join(folder, `${chart.file}.svg`), draw(chart));
  }
}

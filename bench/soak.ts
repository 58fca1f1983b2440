// npm run soak: ten minutes of steady load in which everything happens that can happen to a task, and nothing may grow:
// heap, handles, listeners, threads, file descriptors. `npm run soak -- 20` for 20 seconds.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { root } from "../scripts/run.js";
import { compile } from "./harness/compile.js";
import { environment } from "./harness/environment.js";
import { figure, markdown } from "./harness/format.js";
import { Program } from "./harness/program.js";
import { quantile } from "./harness/statistics.js";
import type { LineChart } from "./plot/chart.js";
import { draw } from "./plot/svg.js";
import type { Vitals } from "./programs/soak.js";

const seconds = Number(process.argv[2] ?? 600);
const perSecond = 100;
const readings = Math.min(120, Math.max(20, seconds / 5));

/** What each may be above its first quarter in its last: caches and pools that fill late, and the load's own unevenness. */
const allowances: Record<"heapMB" | "handles" | "listeners" | "threads" | "fds", (first: number) => number> = {
  heapMB: (first) => 1 + first * 0.1,
  handles: () => 3,
  listeners: () => 0,
  threads: () => 1,
  fds: () => 4,
};

compile();
const server = new Program("soak", { execArgv: ["--expose-gc"] });
const load = new Program("soak-load");
const port = await server.ask<number>("open");
await load.ask("start", { port, perSecond });
// Code is compiled, connections opened, the second thread started and ended once or more.
await sleep(Math.min(30_000, seconds * 250));

const history: (Vitals & { second: number })[] = [];
const startedAt = performance.now();
for (let i = 0; i < readings; i++) {
  await sleep((seconds * 1_000) / readings);
  const vitals = await server.ask<Vitals>("vitals");
  history.push({ ...vitals, second: (performance.now() - startedAt) / 1_000 });
  process.stderr.write(
    `\r${figure(vitals.requests)} requests, ${figure(vitals.heapMB)} MB of heap, ${vitals.unfinished} unfinished   `,
  );
}
process.stderr.write("\n");
const failed = await load.ask<number>("stop");
await server.ask("close");
await server.end();
await load.end();

const quarter = Math.max(1, Math.floor(history.length / 4));
const rows = Object.entries(allowances).flatMap(([name, allowance]) => {
  const values = history.flatMap((vitals) => vitals[name as keyof typeof allowances] ?? []);
  if (values.length === 0) return [];
  const first = quantile(values.slice(0, quarter), 0.5);
  const last = quantile(values.slice(-quarter), 0.5);
  return [{ name, first, last, most: first + allowance(first), flat: last <= first + allowance(first) }];
});
console.log(
  markdown({
    title: `Soak: ${seconds} s, ${history.at(-1)?.requests} requests, ${failed} of which gave up as planned`,
    columns: ["", "first quarter", "last quarter", "allowed", "flat"],
    rows: rows.map(({ name, first, last, most, flat }) => [
      name,
      figure(first),
      figure(last),
      figure(most),
      flat ? "yes" : "NO",
    ]),
  }),
);

const folder = path.join(root, "bench/results");
mkdirSync(folder, { recursive: true });
writeFileSync(
  path.join(folder, "soak.json"),
  `${JSON.stringify({ ...environment(), seconds, perSecond, rows, history }, undefined, 1)}\n`,
);
writeFileSync(path.join(folder, "soak.svg"), draw(chart()));
process.exitCode = rows.every(({ flat }) => flat) ? 0 : 1;

function chart(): LineChart {
  const line = (name: string, value: (vitals: Vitals) => number | undefined) => ({
    name,
    points: history.flatMap((vitals) => {
      const at = value(vitals);
      return at === undefined ? [] : [{ x: vitals.second, median: at, min: at, max: at }];
    }),
  });
  return {
    kind: "lines",
    file: "soak",
    title: "What must not grow, and does not",
    subtitle: `A server under ${perSecond} requests a second for ${seconds} s; tasks succeed, fail, are retried, cancelled, timed out.`,
    x: { label: "seconds", scale: "linear" },
    y: { label: "MB, number", scale: "linear" },
    lines: [
      line("heap after collection, MB", ({ heapMB }) => heapMB),
      line("handles", ({ handles }) => handles),
      line("listeners", ({ listeners }) => listeners),
      line("threads", ({ threads }) => threads),
      line("file descriptors", ({ fds }) => fds),
    ],
  };
}

// npm run bench:engine: what a queue elsewhere costs web processes and workers, beside the broker's own library. Rounds are interleaved, so
// read the ratios. `-- 5` takes five rounds, `-- worker` only that part.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { MakePart, Part } from "./engine/part.js";
import { postgresProcess } from "./engine/postgres-process.js";
import { webProcess } from "./engine/web-process.js";
import { workerProcess } from "./engine/worker-process.js";
import { environment } from "./harness/environment.js";
import { markdown, spread } from "./harness/format.js";
import { inWords, publish } from "./harness/publish.js";
import { Samples } from "./harness/samples.js";

const makers: Readonly<Record<string, MakePart>> = {
  web: webProcess,
  worker: workerProcess,
  postgres: postgresProcess,
};

const words = process.argv.slice(2);
const [rounds = 3] = words.map(Number).filter(Number.isInteger);
const named = Object.keys(makers).filter((name) => words.includes(name));
const isWhole = named.length === 0;

const machine = environment();
const folder = mkdtempSync(path.join(tmpdir(), "offload-after-response-engine-"));
const samples = new Samples();
const tables: string[] = [];
try {
  for (const [name, make] of Object.entries(makers)) {
    if (!isWhole && !named.includes(name)) continue;
    const part = await make(folder);
    if (part !== undefined) tables.push(await tableOf(part));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const block = [inWords(machine, "npm run bench:engine -- --publish"), ...tables].join("\n\n");
console.log(block);
if (words.includes("--publish")) {
  if (!isWhole) throw new Error("a part alone is not published");
  publish(path.join(import.meta.dirname, "../docs/performance.md"), new Map([["engine", block]]));
}

async function tableOf(part: Part): Promise<string> {
  try {
    for (let round = 0; round < rounds; round++) await part.measure(round, samples);
  } finally {
    await part.end();
  }
  const table = {
    title: `**${part.title}.** ${part.how}`,
    columns: ["", "bound", "measured", "met"],
    rows: part
      .bars(samples)
      .map(({ text, measured, bound, unit, met }) => [
        text,
        `${bound.toLocaleString("en-US")} ${unit}`,
        spread(measured),
        met ? "yes" : "NO",
      ]),
  };
  return markdown(table).trim();
}

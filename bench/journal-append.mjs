// What the journal costs the main thread: CPU time of a task that is accepted, started and ended, over a loop that does
// the same without one; how fast bursts are accepted; how long 100,000 unfinished tasks take to be read at the next start;
// and how much disk a million tasks take at the peak.
//
//   node bench/journal-append.mjs [rounds] [payload ...]
//
// The part that is measured is no public name, so it is bundled from its source here.
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { build } from "esbuild";
import { mainThreadUs } from "./cpu-time.mjs";

const bars = { usPerTask: 8, acceptedPerSecond: 100_000, replayMs: 1_000, peakMB: 40 };
const rounds = Number(process.argv[2] ?? 15);
const wanted = process.argv.slice(3);
const warmUpRounds = 3;
const tasksPerRound = 10_000;

const base = mkdtempSync(path.join(tmpdir(), "journal-bench-"));
const { openJournal } = await bundle("src/journal/journal.ts");
const logger = { info: console.error, warn: console.error, error: console.error };

const payloads = {
  "small object": { key: "photos/2024/06/IMG_20240612_104511.jpg", widths: [320, 640, 1280], userId: 421_337 },
  "1 KiB of text": { html: "x".repeat(1_000) },
  "10 KiB of bytes": new Uint8Array(10_240).fill(7),
};
const noJournal = { accept: (task) => task, started() {}, stopped() {}, ended() {} };

let serial = 0;
const results = [];
for (const [name, payload] of Object.entries(payloads)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  for (const burst of [1, 100]) {
    const costs = { without: [], process: [], disk: [] };
    const journals = { without: noJournal, process: journalIn("process"), disk: journalIn("disk") };
    let bytes = 0;
    for (let round = 0; round < rounds + warmUpRounds; round++) {
      // Interleaved, so that what slows the machine slows all alike.
      for (const [kind, journal] of Object.entries(journals)) {
        const cost = await cpuPerTask(journal, payload, burst);
        if (round >= warmUpRounds) costs[kind].push(cost);
      }
    }
    const entry = journals.process.accept(task(payload));
    bytes = entry.length + 26 + 31;
    journals.process.ended(entry, "succeeded");
    await journals.process.close();
    await journals.disk.close();
    const without = median(costs.without);
    results.push({ name, burst, bytes, process: median(costs.process) - without, disk: median(costs.disk) - without });
  }
}

console.log(
  `Node ${process.version}, ${rounds} rounds of ${tasksPerRound} tasks, medians of the main thread's CPU time over none\n`,
);
console.log("payload          tasks a turn  us a task  records/s  MB/s   us a task (disk)");
for (const { name, burst, bytes, process: cost, disk } of results) {
  const cells = [
    name.padEnd(16),
    String(burst).padStart(12),
    cost.toFixed(2).padStart(10),
    rate(3e6 / cost).padStart(10),
  ];
  console.log(`${cells.join(" ")} ${(bytes / cost).toFixed(0).padStart(5)} ${disk.toFixed(2).padStart(18)}`);
}

const small = results.filter(({ name }) => name === "small object");
const usPerTask = Math.max(...small.map(({ process: cost }) => cost));
const acceptedPerSecond = await acceptBurst();
const replayMs = await replay(100_000);
const peakMB = await peakOf(1_000_000);
console.log();
const met = [
  bar("us a task over none, small payload", usPerTask, bars.usPerTask, usPerTask <= bars.usPerTask),
  bar(
    "tasks accepted a second in a burst",
    acceptedPerSecond,
    bars.acceptedPerSecond,
    acceptedPerSecond >= bars.acceptedPerSecond,
  ),
  bar("ms of CPU time to read 100,000 unfinished tasks", replayMs, bars.replayMs, replayMs <= bars.replayMs),
  bar("MB on the disk at the peak of 1,000,000 tasks", peakMB, bars.peakMB, peakMB <= bars.peakMB),
];
rmSync(base, { recursive: true, force: true });
process.exitCode = met.every(Boolean) ? 0 : 1;

function bar(text, measured, bound, isMet) {
  console.log(`${isMet ? "met    " : "NOT met"} ${text}: ${Number(measured.toFixed(2))} (bar: ${bound})`);
  return isMet;
}

function journalIn(durability) {
  return openJournal({ dir: path.join(base, `j${serial++}`), durability }, { logger });
}

function task(payload) {
  return {
    id: `k3f9x2a1b0c4d5e6-${(serial++).toString(36)}`,
    task: "optimizeImage",
    payload,
    dispatch: undefined,
    context: undefined,
  };
}

/** us of CPU time of the main thread a task; `burst` tasks are accepted, started and ended in three turns. */
async function cpuPerTask(journal, payload, burst) {
  const before = mainThreadUs();
  for (let done = 0; done < tasksPerRound; done += burst) {
    const entries = [];
    for (let index = 0; index < burst; index++) entries.push(journal.accept(task(payload)));
    await turn();
    for (const entry of entries) journal.started(entry, 1);
    await turn();
    for (const entry of entries) journal.ended(entry, "succeeded");
    await turn();
  }
  return (mainThreadUs() - before) / tasksPerRound;
}

/** Tasks a second, in bursts of 1,000 as a rush of requests brings them; the median of ten bursts, by the clock. */
async function acceptBurst() {
  const journal = journalIn("process");
  const times = [];
  for (let burst = 0; burst < 20; burst++) {
    const began = performance.now();
    const entries = [];
    for (let index = 0; index < 1_000; index++) entries.push(journal.accept(task(payloads["small object"])));
    times.push(performance.now() - began);
    for (const entry of entries) journal.ended(entry, "succeeded");
    await null;
  }
  await journal.close();
  return 1e6 / median(times.slice(10));
}

/** ms of CPU time from the start of the takeover until the last of `count` tasks has been handed out; the median of five. */
async function replay(count) {
  const dir = path.join(base, `j${serial++}`);
  const first = openJournal({ dir }, { logger });
  for (let index = 0; index < count; index++) first.accept(task(payloads["small object"]));
  await first.close();
  const times = [];
  for (let start = 0; start < 5; start++) {
    const next = openJournal({ dir }, { logger });
    const before = process.cpuUsage();
    await next.takeOver();
    let found = 0;
    for (const _ of next.replay()) found++;
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1_000);
    if (found !== count) throw new Error(`${found} of ${count} tasks came back`);
    await next.close();
  }
  return median(times);
}

/** MB of the segments at the peak, while `count` tasks pass with 1,000 unfinished at a time, and 100 that never end. */
async function peakOf(count) {
  const dir = path.join(base, `j${serial++}`);
  const journal = openJournal({ dir }, { logger });
  let peak = 0;
  let open = [];
  for (let index = 0; index < 100; index++) journal.accept(task(payloads["small object"]));
  for (let done = 0; done < count; done += 1_000) {
    const accepted = [];
    for (let index = 0; index < 1_000; index++) accepted.push(journal.accept(task(payloads["small object"])));
    for (const entry of open) journal.started(entry, 1);
    await null;
    for (const entry of open) journal.ended(entry, "succeeded");
    open = accepted;
    await null;
    if (done % 10_000 === 0) peak = Math.max(peak, bytesIn(dir));
  }
  await journal.close();
  return peak / 1e6;
}

function bytesIn(dir) {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  return files.reduce((sum, file) => sum + statSync(path.join(file.parentPath ?? file.path, file.name)).size, 0);
}

function rate(value) {
  return Math.round(value).toLocaleString("en");
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

async function bundle(entry) {
  const outfile = path.join(base, "journal.mjs");
  const root = path.join(import.meta.dirname, "..");
  await build({
    entryPoints: [path.join(root, entry)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "error",
  });
  return import(outfile);
}

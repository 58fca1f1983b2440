// How the cost of a task grows with its payload: bytes copied and moved, and nested objects. In tasks a second, in CPU time of
// the main thread, in pages touched, and in how long a large payload stops the event loop.
import { ours, piscina, piscinaAsync, rawBytes, rawChecked, rawEach } from "../contenders/pools/all.js";
import { atLeast, atMost, type Bar, type Benchmark, type Sizes, sizeOf, type Table } from "../harness/benchmark.js";
import { metricTable } from "../harness/format.js";
import { execArgvInTurns, Program } from "../harness/program.js";
import { rowsOf } from "../harness/rows.js";
import { Samples } from "../harness/samples.js";
import type { LineChart } from "../plot/chart.js";
import { lineChart } from "../plot/of-samples.js";
import type { Order, Payload, Reading } from "../programs/pool.js";
import { enoughTasks } from "./enough-tasks.js";

const outstanding = 4;
const kilobyte = 1_000;
const megabyte = 1_000_000;
const kinds = ["copy", "move", "rows", "fields"] as const;
type Kind = (typeof kinds)[number];
const words: Record<Kind, string> = { copy: "copied", move: "moved", rows: "nested objects", fields: "flat objects" };

const units = { copy: "bytes of payload", move: "bytes of payload", rows: "bytes of payload", fields: "fields" };

const rate = (kind: Kind) => `tasks/s, payload ${words[kind]}`;
const cpu = (kind: Kind) => `main-thread us a task, CPU, payload ${words[kind]}`;
const faults = "page faults a task, payload copied";

const barred = {
  copy: [100 * kilobyte, megabyte, 10 * megabyte, 50 * megabyte],
  rows: [kilobyte, 10 * kilobyte, 100 * kilobyte, megabyte],
  // Fields, not bytes.
  fields: [10, 100, 20_000],
} as const;
const mostFaults = 400;

// A table to be checked: one call of it at a time, as a handler makes it.
const validated = 20_000;
// The longest of a few is a single sample: more than its CPU time, it depends on what else wants the cores.
const lagBound = 1.25;
const stall = "longest lag of the event loop, ms";
// V8 lists the names of a large object anew for each look at it, which takes half as long as to write it.
const manyFields = 1_000;
const manyFieldsBound = 2.5;
const validationCpu = "main-thread us a task, CPU, validation";

interface Size {
  readonly rounds: number;
  /** Of a measurement. */
  readonly ms: number;
  readonly bytes: Readonly<Record<Kind, readonly number[]>>;
  /** Tasks in a measurement of the validation. */
  readonly validations: number;
  readonly contenders: Readonly<Record<Kind, readonly string[]>>;
}

const few = [ours, piscina, rawEach];
const some = [ours, piscina, piscinaAsync, rawEach];
const all = [ours, piscina, piscinaAsync, "tinypool", "workerpool", "poolifier", rawEach];

const sizes: Sizes<Size> = {
  short: {
    rounds: 4,
    ms: 25,
    bytes: {
      copy: [100, 10 * kilobyte, ...barred.copy],
      move: [100, 10 * kilobyte, megabyte],
      rows: barred.rows,
      fields: barred.fields,
    },
    validations: 3,
    contenders: { copy: few, move: some, rows: [...few, rawBytes, rawChecked], fields: few },
  },
  full: {
    rounds: 7,
    ms: 500,
    bytes: {
      copy: [100, kilobyte, 10 * kilobyte, ...barred.copy],
      move: [100, kilobyte, 10 * kilobyte, 100 * kilobyte, megabyte, 10 * megabyte],
      rows: barred.rows,
      fields: barred.fields,
    },
    validations: 20,
    contenders: { copy: all, move: all, rows: [...all, rawBytes, rawChecked], fields: all },
  },
};

export const payloadBenchmark: Benchmark = {
  name: "payload",
  title: "Payloads of 100 B to 50 MB: bytes copied and moved, nested objects",
  how: [
    `A Uint8Array of so many bytes goes to one thread, with ${outstanding} tasks outstanding. Copied: it is the same array each time. Moved: each task has an array of its own, which is made before the clock starts.`,
    "Nested objects are an array of users. Each has an id, a name, an email, a flag, a score, a list of tags and an address. Their size is that of V8's serialisation, and the task looks at each user. Garbage is collected once before the clock starts, so that the objects lie alike in memory for each contender.",
    "The row of v8.Serializer captures bytes without any check. With a check before it, it is the least that a capture costs if it refuses what cannot arrive.",
    "Flat objects have so many fields, and a third of them are strings.",
    "CPU time is that of the main thread, as the kernel counts it, from the call until the result is there. Page faults are those of the main thread that need no disk: the first touch of a page of 4 KB. The thread that runs the task has its own, for the copy that it gets.",
    `Validation: ${validated.toLocaleString("en-US")} such users, one task at a time. The lag is the longest of a round, and includes collections of garbage.`,
    "offload-after-response copies at the call, so what the caller changes afterwards does not reach the task. The others copy when they dispatch. The raw row is a bare Worker that gets one message for each task. Ratios are to Piscina with its defaults, within each round.",
  ].join(" "),
  async run(scale, say) {
    const { rounds, ms, bytes, validations, contenders } = sizeOf(sizes, scale);
    const samples = new Samples();
    const programs = new Map<string, Program>();
    for (const contender of new Set(kinds.flatMap((kind) => contenders[kind]))) {
      const program = new Program("pool", { execArgv: [...execArgvInTurns, "--expose-gc"] });
      await program.ask("open", { contender, threads: 1 });
      programs.set(contender, program);
    }
    const taking = (kind: Kind) => [...programs].filter(([name]) => contenders[kind].includes(name));
    const tasks = new Map<string, number>();
    for (let round = 0; round < rounds; round++) {
      say(`round ${round + 1} of ${rounds}`);
      for (const [kind, size] of kinds.flatMap((kind) => bytes[kind].map((size) => [kind, size] as const))) {
        const order: Order = { outstanding, tasks: 0, payload: payloadOf(kind, size) };
        const key = `${kind} ${size}`;
        const count = tasks.get(key) ?? (await enoughForAll(taking(kind), order, ms));
        tasks.set(key, count);
        for (const [contender, program] of taking(kind)) {
          const { elapsedMs, cpuMs, pageFaults } = await program.ask<Reading>("measure", { ...order, tasks: count });
          samples.add(rate(kind), contender, size, (count * 1_000) / elapsedMs);
          samples.add(cpu(kind), contender, size, cpuMs && (cpuMs * 1_000) / count);
          if (kind === "copy") samples.add(faults, contender, size, pageFaults / count);
        }
      }
      for (const [contender, program] of taking("rows")) await validate(program, contender, validations, samples);
    }
    for (const program of programs.values()) await program.end();
    return { samples, tables: tables(samples), bars: bars(samples), charts: charts(samples) };
  },
};

/** The same number for each: a contender that is slow when it is cold would else be measured in fewer tasks. */
async function enoughForAll(programs: readonly [string, Program][], order: Order, ms: number): Promise<number> {
  let most = 0;
  for (const [, program] of programs) most = Math.max(most, await enoughTasks(program, order, ms));
  return most;
}

function payloadOf(kind: Kind, bytes: number): Payload {
  if (kind === "fields") return { kind, fields: bytes };
  return kind === "rows" ? { kind, rows: rowsOf(bytes) } : { kind, bytes };
}

async function validate(program: Program, contender: string, tasks: number, samples: Samples): Promise<void> {
  const order: Order = { outstanding: 1, tasks, payload: { kind: "rows", rows: validated } };
  const { cpuMs, lagMs } = await program.ask<Reading>("measure", order);
  samples.add(validationCpu, contender, validated, cpuMs && (cpuMs * 1_000) / tasks);
  samples.add(stall, contender, validated, lagMs);
}

function tables(samples: Samples): Table[] {
  return [
    ...(["copy", "rows", "fields"] as const).map((kind) =>
      metricTable(samples, cpu(kind), `Main-thread us a task, CPU, by ${units[kind]}, ${words[kind]}`, piscina),
    ),
    metricTable(samples, faults, "Page faults a task by bytes of payload, copied", piscina),
    metricTable(samples, validationCpu, "Validation: main-thread us a task, CPU, by users", piscina),
    metricTable(samples, stall, "Validation: longest lag of the event loop in ms, by users", piscina),
    ...kinds.map((kind) => metricTable(samples, rate(kind), `Tasks/s by ${units[kind]}, ${words[kind]}`, piscina)),
  ];
}

function bars(samples: Samples): Bar[] {
  const names = { copy: "bytes copied", rows: "nested objects" };
  const users = `${validated.toLocaleString("en-US")} users to be validated`;
  return [
    ...[piscina, piscinaAsync].flatMap((name) =>
      atLeast(`1 MB buffers moved/s over ${name}`, samples.ratio(rate("move"), ours, name, megabyte), 1),
    ),
    ...(["rows", "copy"] as const).flatMap((kind) =>
      barred[kind].flatMap((size) =>
        atMost(
          `main-thread CPU a task over Piscina, ${inWords(size)} of ${names[kind]}`,
          samples.ratio(cpu(kind), ours, piscina, size),
          1,
        ),
      ),
    ),
    ...barred.fields.flatMap((fields) =>
      atMost(
        `main-thread CPU a task over Piscina, flat object of ${fields.toLocaleString("en-US")} fields`,
        samples.ratio(cpu("fields"), ours, piscina, fields),
        fields < manyFields ? 1 : manyFieldsBound,
      ),
    ),
    ...atMost("page faults a task, 10 MB copied", samples.summary(faults, ours, 10 * megabyte), mostFaults, ""),
    ...atMost(
      `main-thread CPU a task over Piscina, ${users}`,
      samples.ratio(validationCpu, ours, piscina, validated),
      1,
    ),
    // What Piscina copies it has not checked. This is the least that a capture costs which refuses what cannot arrive.
    ...[100 * kilobyte, megabyte].flatMap((size) =>
      atMost(
        `main-thread CPU a task over ${rawChecked}, ${inWords(size)} of nested objects`,
        samples.ratio(cpu("rows"), ours, rawChecked, size),
        1,
      ),
    ),
    ...atMost(
      `main-thread CPU a task over ${rawChecked}, ${users}`,
      samples.ratio(validationCpu, ours, rawChecked, validated),
      1,
    ),
    ...atMost(`longest lag over Piscina, ${users}`, samples.ratio(stall, ours, piscina, validated), lagBound),
  ];
}

function charts(samples: Samples): LineChart[] {
  return (["copy", "move"] as const).map((kind) =>
    lineChart(samples, rate(kind), {
      file: `payload-${words[kind]}`,
      title: `Payloads, ${words[kind]}`,
      subtitle: `A Uint8Array to one thread, ${outstanding} tasks outstanding. Median of the rounds, lowest to highest shaded.`,
      x: { label: "bytes", scale: "log", unit: "B" },
      y: { label: "tasks/s", scale: "log" },
    }),
  );
}

function inWords(bytes: number): string {
  return bytes < megabyte ? `${bytes / kilobyte} KB` : `${bytes / megabyte} MB`;
}

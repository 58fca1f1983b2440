// Data flows one way, and the folders say so: what each part of the source may know of the others, held by a test.
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { codeOf, type Import, importsOf, sources, target } from "./support/source.js";

/** For each part: what else it may import from, types included. Above stands what many know, below what knows many. */
const mayKnow: Record<string, readonly string[]> = {
  "src/base": [],
  "src/core": ["src/base"],
  "src/response": ["src/base", "src/core"],
  "src/store": ["src/base", "src/core"],
  "src/journal": ["src/base", "src/core", "src/store"],
  // It forwards what is on record, in the form in which the journal writes it.
  "src/engine/remote": [
    "src/base",
    "src/core",
    "src/store",
    "src/engine",
    "src/journal/format",
    "src/journal/files/file-system.ts",
  ],
  "src/engine": ["src/base", "src/core"],
  "src/intake": ["src/base", "src/core", "src/response", "src/store", "src/engine"],
  "src/observe": ["src/base", "src/core", "src/store", "src/engine", "src/intake"],
  "src/otel": ["src/base", "src/core", "src/observe"],
  "src/prometheus": ["src/base", "src/core", "src/store", "src/observe"],
  "src/shutdown": ["src/base", "src/core"],
  // It replaces parts of an offloader, which knows nothing of it.
  "src/testing": ["src/base", "src/core", "src/store", "src/engine", "src/intake", "src/contract.ts"],
  // It shows an offloader, which knows nothing of it.
  "src/dashboard": [
    "src/base",
    "src/core",
    "src/response",
    "src/store",
    "src/engine",
    "src/intake",
    "src/observe",
    "src/shutdown",
    "src/journal/format/id.ts",
    "src/contract.ts",
  ],
  "src/wiring": ["src/base", "src/contract.ts", "src/options.ts"],
  // The threads' side knows the messages, the shared memory, how errors and values cross, and how a tasks module is loaded.
  workers: [
    "src/base",
    "src/core",
    "src/engine/tasks",
    "src/engine/threads/protocol.ts",
    "src/engine/threads/slots/slot-memory.ts",
    "src/engine/threads/slots/failure-form.ts",
    "src/engine/remote/protocol.ts",
    "src/engine/remote/remote-engine.ts",
    "src/engine/remote/thread",
  ],
  // The files on top wire the parts. Their public names reach those of the threads' side as types.
  src: ["src", "workers"],
};

/** Folders within a part that know less than the part: nothing of these. */
const mustNotKnow: Record<string, readonly string[]> = {
  "src/engine/queue": ["src/engine/threads", "src/engine/main-thread", "src/engine/callbacks", "src/engine/inline"],
  "src/engine/main-thread": ["src/engine/threads", "src/engine/callbacks", "src/engine/inline"],
  "src/engine/tasks": ["src/engine/threads", "src/engine/main-thread"],
};

/** The packages a folder may import; node:* is free to all but the queue. */
const packages: Record<string, readonly string[]> = {
  "src/engine/threads": ["piscina"],
  "src/engine/remote/bullmq": ["bullmq"],
  "src/engine/remote/pg-boss": ["pg-boss", "pg"],
  // Types alone, for those who have it.
  "src/testing/vitest.ts": ["vitest"],
  "src/testing/jest.ts": ["expect"],
  // Optional peers, each behind an entry of its own.
  "src/otel": ["@opentelemetry/api"],
};
const withoutNode = ["src/engine/queue"];

/** A reader should see a folder at a glance. */
const mostFiles = 14;

const files = [...sources("src"), ...sources("workers")];
const imports = files.flatMap(importsOf);

const isWithin = (file: string, folder: string): boolean => file === folder || file.startsWith(`${folder}/`);

describe("the structure of the source", () => {
  it("has a place for every file", () => {
    expect(files.filter((file) => partOf(file) === undefined)).toEqual([]);
  });

  it("has only the wiring on top", () => {
    expect(files.filter((file) => path.posix.dirname(file) === "src")).toEqual([
      "src/contract.ts",
      "src/drain-target.ts",
      "src/index.ts",
      "src/offloader.ts",
      "src/options.ts",
    ]);
  });

  it("has folders that a reader sees at a glance", () => {
    const sizes = new Map<string, number>();
    for (const file of files) sizes.set(path.posix.dirname(file), (sizes.get(path.posix.dirname(file)) ?? 0) + 1);
    const tooMany = [...sizes].filter(([, size]) => size > mostFiles);
    expect(tooMany).toEqual([]);
  });

  it("lets a part know those above it, never those below", () => {
    const wrong = imports.filter((entry) => {
      if (!entry.from.startsWith(".")) return false;
      const part = partOf(entry.file) ?? "";
      return ![part, ...(mayKnow[part] ?? [])].some((place) => isWithin(target(entry), place));
    });
    expect(wrong).toEqual([]);
  });

  it("has nothing of the testing kit outside of it", () => {
    const wrong = imports.filter(
      (entry) => !isWithin(entry.file, "src/testing") && isWithin(target(entry), "src/testing"),
    );
    expect(wrong).toEqual([]);
  });

  it("lets the inner folders of the engine know nothing of where tasks run", () => {
    const wrong = imports.filter((entry) =>
      Object.entries(mustNotKnow).some(
        ([folder, others]) => isWithin(entry.file, folder) && others.some((other) => isWithin(target(entry), other)),
      ),
    );
    expect(wrong).toEqual([]);
  });

  it("says in the first line of each file why the file exists", () => {
    const text = (file: string): string => readFileSync(path.join(import.meta.dirname, "..", file), "utf8");
    expect(files.filter((file) => !/^(#!.*\n)?\/[/*]/.test(text(file)))).toEqual([]);
  });

  it("has no circles between files, types included", () => {
    expect(circles(imports)).toEqual([]);
  });

  it("imports Piscina in src/engine/threads alone, and no other package but optional peers", () => {
    const wrong = imports.filter(({ file, from }) => {
      if (from.startsWith(".") || from.startsWith("node:")) return false;
      return !Object.entries(packages).some(([folder, names]) => isWithin(file, folder) && names.includes(from));
    });
    expect(wrong).toEqual([]);
    expect(imports.some(({ from }) => from === "piscina")).toBe(true);
  });

  it("keeps the queue pure: no HTTP, no threads, no files", () => {
    const wrong = imports.filter(({ file, from }) => {
      return withoutNode.some((folder) => isWithin(file, folder)) && from.startsWith("node:");
    });
    expect(wrong).toEqual([]);
  });

  it("gives examples and benchmarks the public names alone", () => {
    const outside = [...sources("examples"), ...sources("bench")].flatMap(importsOf);
    const wrong = outside.filter((entry) => /^(src|workers|dist|test)\//.test(target(entry)));
    expect(wrong).toEqual([]);
  });
});

describe("timers and clocks", () => {
  const timeModule = "src/base/time.ts";
  const others = files.filter((file) => file !== timeModule);

  it("come from src/base/time.ts alone, because tests of applications replace the global ones", () => {
    const replaced = new RegExp(
      [
        /(?<![.\w])(?:set|clear)(?:Timeout|Interval|Immediate)\b/,
        /(?<![.\w])queueMicrotask\b/,
        /\b(?:performance|Date)\.now\b/,
        /\bnew Date\(\)/,
        /\bprocess\.(?:nextTick|hrtime|uptime)\b/,
        /\bAbortSignal\.timeout\b/,
        /\bglobalThis\.(?:set|clear|queueMicrotask|performance|Date)/,
      ]
        .map(({ source }) => source)
        .join("|"),
    );
    const found = others.flatMap((file) =>
      withoutTexts(codeOf(file))
        .split("\n")
        .filter((line) => replaced.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
    expect(found).toEqual([]);
    expect(codeOf(timeModule)).toMatch(replaced);
  });

  it("are imported from modules of Node's there alone", () => {
    const found = imports.filter(({ from }) => /^(node:)?(timers(\/promises)?|perf_hooks)$/.test(from));
    expect(found.filter(({ file }) => file !== timeModule)).toEqual([]);
  });
});

describe("the log", () => {
  /** Those whose lines speak of no task: of files, of the shutdown, of threads, of a broker, of a listener. */
  const writers = [
    "src/dashboard/dashboard.ts",
    "src/engine/remote/engine-status.ts",
    "src/engine/threads/pool/environment.ts",
    "src/engine/threads/pool/thread-ender.ts",
    "src/engine/threads/pool/thread-pool.ts",
    "src/engine/threads/remarks.ts",
    "src/engine/threads/threads-engine.ts",
    "src/intake/definitions.ts",
    "src/intake/schedule/engine-reports.ts",
    "src/journal",
    "src/offloader.ts",
    "src/response/after-each.ts",
    "src/shutdown",
    "src/testing/run/module-reports.ts",
  ];
  const catalogue = "src/core/log/lines.ts";
  const ofLogger = ["src/base/logger.ts", catalogue];
  /** Where the lines of `task.log` are passed on, whose words and fields are the user's. */
  const taskLogs = ["src/engine/threads/remarks.ts", "src/engine/inline/inline-context.ts"];
  const calls = files
    .filter((file) => !ofLogger.includes(file))
    .flatMap(callsOfLogger)
    .filter(({ file, fields }) => !(taskLogs.includes(file) && fields.includes("restoreFields")));

  it("has its lines of tasks from src/core/log/lines.ts alone", () => {
    const fieldOfTask = /[{,]\s*(?:task|kind|ids?|attempt|waitMs|runMs|delayMs|context|trace_id|span_id)\s*[,:}]/;
    expect(calls.filter(({ fields }) => fieldOfTask.test(fields) || /fieldsOf|definition|query/.test(fields))).toEqual(
      [],
    );
  });

  it("is written past src/core/log/lines.ts only by files whose lines speak of no task", () => {
    const others = calls.filter(({ file }) => !writers.some((place) => isWithin(file, place)));
    expect(others).toEqual([]);
    expect(writers.filter((place) => !calls.some(({ file }) => isWithin(file, place)))).toEqual([]);
  });
});

/** The calls of a logger in a file, each with its first argument. */
function callsOfLogger(file: string): { file: string; fields: string }[] {
  const code = codeOf(file);
  const starts = code.matchAll(/\blogger(?:\(\))?(?:\?\.|\.|\[)(?:(?:debug|info|warn|error)|level\])(?:\?\.)?\(/gi);
  return [...starts].map((start) => ({ file, fields: firstArgument(code.slice(start.index + start[0].length)) }));
}

function firstArgument(text: string): string {
  let depth = 0;
  const end = [...text].findIndex((character) => {
    if (character === "," || character === ")") {
      if (depth === 0) return true;
    }
    if ("({[".includes(character)) depth++;
    if (")}]".includes(character)) depth--;
    return false;
  });
  return text.slice(0, end).trim();
}

/** The part that a file belongs to: a folder of src/, workers/, or src/ itself for the files that lie in it. */
function partOf(file: string): string | undefined {
  const folder = path.posix.dirname(file);
  return Object.keys(mayKnow).find((part) => folder === part || (part !== "src" && isWithin(folder, part)));
}

/** Code without its template texts of several lines: those run elsewhere, as the source of a thread. */
function withoutTexts(code: string): string {
  return code.replace(/`[^`$]*\n[^`]*`/g, "``");
}

/** The groups of files that import one another in a circle (Tarjan's strongly connected components of more than one). */
function circles(edges: readonly Import[]): string[][] {
  const next = new Map<string, string[]>();
  for (const edge of edges) next.set(edge.file, [...(next.get(edge.file) ?? []), target(edge)]);
  const order = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  function visit(file: string): number {
    let low = order.size;
    order.set(file, low);
    stack.push(file);
    for (const other of next.get(file) ?? []) {
      if (!order.has(other)) low = Math.min(low, visit(other));
      else if (stack.includes(other)) low = Math.min(low, order.get(other) ?? low);
    }
    if (low === order.get(file)) {
      const circle = stack.splice(stack.indexOf(file));
      if (circle.length > 1 || (next.get(file) ?? []).includes(file)) found.push(circle.sort());
    }
    return low;
  }
  for (const file of next.keys()) if (!order.has(file)) visit(file);
  return found;
}

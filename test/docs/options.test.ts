// The tables of docs/threads-and-limits.md against the tables that options are checked by: every option is there, no other
// is, and each has the default that the code gives it.
//
// The names are asked of the checks themselves: an unknown option is refused with a list of those that are known.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { defaultPolicy, resolveDispatch } from "../../src/intake/call/dispatch-options.js";
import { type JournalOptions, resolveJournalOptions } from "../../src/journal/options.js";
import { type OffloaderOptions, resolveOptions } from "../../src/options.js";

const text = readFileSync(new URL("../../docs/threads-and-limits.md", import.meta.url), "utf8");
const tasks = new URL("file:///tasks.js");
const stranger = "no option is called like this";

type Refuse = (options: object) => unknown;

const refuseCreate: Refuse = (options) => resolveOptions({ tasks, ...options } as OffloaderOptions);
const refuseDispatch: Refuse = (options) => resolveDispatch("a dispatch", defaultPolicy, options);

describe("docs/threads-and-limits.md", () => {
  it("has every option of createOffloader, and no other", () => {
    // What `defaults` and `policies` hold has a table of its own; the journal checks its own options.
    const apart = { defaults: ["defaults"], policies: ["policies"], journal: journalOptions() };
    const options = namesIn(refuseCreate).flatMap((name) => {
      if (name in apart) return apart[name as keyof typeof apart];
      const fields = namesWithin(refuseCreate, name);
      return fields.length > 0 ? fields : [name];
    });
    expect(options.length).toBeGreaterThan(20);
    expect(namesOf(table("Options of `createOffloader`"))).toEqual(options);
  });

  it("has every option of a task, and no other", () => {
    const policy = namesWithin(refuseCreate, "defaults").map((name) => name.replace("defaults.", ""));
    expect(policy.length).toBeGreaterThan(4);
    const options = policy.flatMap((name) => [name, ...namesWithin(refuseDispatch, name)]);
    expect(namesOf(table("Options of a task"))).toEqual(options);
    // A policy takes the same.
    const refusePolicy: Refuse = (options) => refuseCreate({ policies: { resize: options } });
    expect(namesIn(refusePolicy)).toEqual(policy);
  });

  it("has every option of a dispatch beside those of a task, and no other", () => {
    const policy = namesWithin(refuseCreate, "defaults").map((name) => name.replace("defaults.", ""));
    const options = namesIn(refuseDispatch);
    expect(namesOf(table("Options of one dispatch"))).toEqual(options.filter((name) => !policy.includes(name)));
    // As the page says of these.
    expect(policy.filter((name) => !options.includes(name))).toEqual(["concurrency", "engine"]);
  });

  it.each(table("Options of `createOffloader`"))("says the default of $name", ({ name, value }) => {
    const journal = resolveJournalOptions({ dir: "journal" });
    const resolved = { ...resolveOptions({ tasks }), journal };
    if (!isLiteral(value)) expect(words[name]).toBe(value);
    else expect(literal(value)).toBe(at(resolved, name));
  });

  it.each(table("Options of a task"))("says the default of $name", ({ name, value }) => {
    if (!isLiteral(value)) expect(words[name]).toBe(value);
    else expect(literal(value)).toBe(at(defaultPolicy, name));
  });
});

/** The defaults that are no value but words: here, so that a new option cannot hide behind words. */
const words: Readonly<Record<string, string>> = {
  tasks: "required",
  "pool.maxThreads": "CPUs less 1, at least 1",
  "pool.maxStuckThreads": "as many as maxThreads",
  "pool.resourceLimits": "none",
  "pool.env": "a copy of the process's",
  "pool.execArgv": "the process's",
  "pool.workerData": "none",
  "queue.maxBytes": "a quarter of the memory",
  defaults: "see below",
  policies: "none",
  "journal.dir": "no journal",
  engine: "none",
  context: "none",
  logger: "stderr",
  backoff: "see its fields",
};

interface Row {
  readonly name: string;
  /** The second column: the default. */
  readonly value: string;
}

/** The rows of the table below a heading. */
function table(heading: string): Row[] {
  const [, section = ""] = text.split(`\n## ${heading}\n`);
  const [own = ""] = section.split("\n## ");
  return [...own.matchAll(/^\| `([\w.]+)` \| ([^|]+?) \|/gm)].map(([, name = "", value = ""]) => ({ name, value }));
}

function namesOf(rows: readonly Row[]): string[] {
  return rows.map(({ name }) => name);
}

/** The options that are known where `refuse` checks them, below `place` if there is one. */
function namesIn(refuse: Refuse, place = ""): string[] {
  const [, asked, known = ""] =
    /unknown option (.*) \(known options: (.*?)\)/.exec(refusal(refuse, { [stranger]: 1 })) ?? [];
  return asked?.endsWith(place + stranger) ? known.split(", ") : [];
}

/** The options within an option, with its name before theirs; none where it is no object of options. */
function namesWithin(refuse: Refuse, name: string): string[] {
  return namesIn((options) => refuse({ [name]: options }), `${name}.`).map((field) => `${name}.${field}`);
}

function journalOptions(): string[] {
  const refuse: Refuse = (options) => resolveJournalOptions({ dir: "journal", ...options } as JournalOptions);
  return namesIn(refuse).map((name) => `journal.${name}`);
}

function refusal(refuse: Refuse, options: object): string {
  try {
    refuse(options);
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
}

/** Whether a default is written as a value: a number, or code. */
function isLiteral(value: string): boolean {
  return /^(`.*`|[\d.,]+|Infinity|true|false)$/.test(value);
}

function literal(value: string): unknown {
  const plain = value.replaceAll("`", "").replaceAll(/(?<=\d),(?=\d)/g, "");
  return plain === "Infinity" ? Number.POSITIVE_INFINITY : JSON.parse(plain);
}

function at(value: unknown, name: string): unknown {
  return name.split(".").reduce<unknown>((inner, key) => Reflect.get(Object(inner), key), value);
}

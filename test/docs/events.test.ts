// docs/events.md and src/core/events.ts say the same, and what the ledger reports is what the document says.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { OffloadError } from "../../src/base/errors.js";
import { eventNames, threadEndCauses } from "../../src/core/events.js";
import { createLedger, makeTask, recordEvents } from "../support/tasks.js";

const text = readFileSync(new URL("../../docs/events.md", import.meta.url), "utf8");
// The interfaces exist for the compiler alone. Their text is read, because a list beside them would be one more thing to keep.
const source = readFileSync(new URL("../../src/core/events.ts", import.meta.url), "utf8").replace(
  /\/\*\*[\s\S]*?\*\//g,
  "",
);

const taskFields = fieldsIn(bodyOf("TaskEvent"));
const events = new Map(membersOf(bodyOf("OffloaderEvents")).map(([name, type]) => [name, eventOf(type)]));

/** The rows of the tables whose first column is a name. */
const rows = [...text.matchAll(/^\| `(\w+)` \|([^|]*)\|(.+)\|$/gm)].map(([, name = "", second = "", third = ""]) => {
  return { name, second, names: [...second.matchAll(/`(\w+)`/g)].map(([, each]) => each), meaning: third.trim() };
});
const eventRows = rows.filter(({ name }) => events.has(name));
const fieldRows = rows.filter(({ name }) => !events.has(name));

describe("docs/events.md", () => {
  it("has a row for every event, in the order of the interface, and one for every field of a task's event", () => {
    expect(events.size).toBeGreaterThan(10);
    expect(eventRows.map(({ name }) => name)).toEqual([...events.keys()]);
    expect([...eventNames]).toEqual([...events.keys()]);
    expect(fieldRows.map(({ name }) => name)).toEqual(taskFields);
    expect(rows.filter(({ meaning }) => meaning === "")).toEqual([]);
  });

  it("gives each event the fields that it has", () => {
    const documented = eventRows.map(({ name, names }) => [name, names]);
    expect(documented).toEqual([...events].map(([name, { own }]) => [name, own]));
  });

  it("has every cause for which a thread ends", () => {
    const causes = [...text.matchAll(/^\| "(\w+)" \|/gm)].map(([, cause]) => cause);
    expect(causes).toEqual([...threadEndCauses]);
  });

  it("has those of tasks in the first table, the others in the second", () => {
    const second = text.indexOf("## Of threads and of the offloader");
    for (const [name, { ofTask }] of events) {
      expect([name, text.indexOf(`\n| \`${name}\``) < second]).toEqual([name, ofTask]);
    }
  });

  it("says on which events each field is, as the ledger tells it", () => {
    const recorded = tellEverything();
    const names = [...events].filter(([, { ofTask }]) => ofTask).map(([name]) => name);
    expect([...recorded.keys()].sort()).toEqual([...names].sort());
    const last = ["succeeded", "failed", "cancelled", "skipped", "abandoned", "forwarded"];
    for (const { name: field, second, names: listed } of fieldRows) {
      const on = second.trim() === "all" ? names : second.includes("the last six") ? [...listed, ...last] : listed;
      const really = names.filter((name) => recorded.get(name)?.has(field));
      expect([field, really]).toEqual([field, names.filter((name) => on.includes(name))]);
    }
    for (const [name, fields] of recorded) {
      const known = [...taskFields, ...(events.get(name)?.own ?? [])];
      expect([name, [...fields].filter((field) => !known.includes(field))]).toEqual([name, []]);
    }
  });
});

/** The fields that each event of a task carried with a value, in lives that have everything in them. */
function tellEverything(): Map<string, Set<string>> {
  const { ledger, events: emitter } = createLedger();
  const heard = recordEvents(emitter);
  const start = () => {
    const task = makeTask(undefined, { key: "k" }, { context: "request" });
    task.parent = "parent";
    task.carrier = { traceparent: "00" };
    ledger.accept(task);
    ledger.queued(task);
    ledger.started(task);
    return task;
  };
  const again = start();
  ledger.progress(again, 1);
  ledger.longRunning(again, 60_000, 0);
  ledger.delayed(again, 10, new Error("again"), 5);
  ledger.succeeded(start(), "value", 5);
  ledger.failed(start(), new Error("failed"), 5);
  ledger.cancelled(start(), new OffloadError("AR_CANCELLED", "cancelled"), 5);
  ledger.abandoned(start());
  ledger.forwarded(start());
  const skipped = makeTask(undefined, { key: "k" }, { context: "request" });
  skipped.parent = "parent";
  skipped.carrier = { traceparent: "00" };
  ledger.accept(skipped);
  ledger.skipped(skipped);
  const recorded = new Map<string, Set<string>>();
  for (const { name, event } of heard) {
    const fields = Object.entries(event).filter(([, value]) => value !== undefined);
    recorded.set(name, new Set([...(recorded.get(name) ?? []), ...fields.map(([field]) => field)]));
  }
  return recorded;
}

/** What stands between the braces of an interface. */
function bodyOf(name: string): string {
  const body = new RegExp(`export interface ${name} \\{\\n([\\s\\S]*?)^\\}`, "m").exec(source)?.[1];
  if (body === undefined) throw new Error(`src/core/events.ts has no interface ${name}`);
  return body;
}

/** Its members: name and type. Each stands on a line of its own. */
function membersOf(body: string): [string, string][] {
  const lines = body.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => {
    const [, name, type] = /^ {2}(?:readonly )?(\w+)\??: (.+);$/.exec(line) ?? [];
    if (name === undefined || type === undefined) throw new Error(`not understood: ${line}`);
    return [name, type];
  });
}

function fieldsIn(body: string): string[] {
  return membersOf(body).map(([name]) => name);
}

/** Whether an event is of a task, and the fields it has of its own. */
function eventOf(type: string): { ofTask: boolean; own: string[] } {
  const fields = /\{ (.+) \}$/.exec(type)?.[1] ?? "";
  const own = fields === "" ? [] : fields.split("; ").map((field) => /^readonly (\w+)\??: /.exec(field)?.[1] ?? field);
  return { ofTask: type.startsWith("TaskEvent"), own };
}

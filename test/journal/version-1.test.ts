// A journal that format version 1 wrote is read: fixtures/v1 is the directory of a process that was killed, with what it had
// taken over, two dead letters, and one that it had begun to retry.
import { chmodSync, cpSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { formatVersion, versionOf } from "../../src/journal/format/format.js";
import { accept, filesIn, pendingIn, replayed, temporaryDirectory, testJournal } from "./journals.js";

/** A copy of the fixture, as private as a journal has to be. */
function version1(): string {
  const dir = path.join(temporaryDirectory(), "journal");
  cpSync(path.join(import.meta.dirname, "fixtures/v1"), dir, { recursive: true });
  chmodSync(dir, 0o700);
  return dir;
}

function versionsIn(dir: string, suffix: string): (number | undefined)[] {
  return filesIn(dir, suffix).map((file) => versionOf(readFileSync(file)));
}

describe("a journal of format version 1", () => {
  it("is one", () => {
    expect(new Set([...versionsIn(version1(), ".segment"), ...versionsIn(version1(), ".letter")])).toEqual(
      new Set([1]),
    );
  });

  it("hands out its unfinished tasks with payload, options, context and progress", async () => {
    const { journal, lines } = testJournal({ dir: version1() });
    const tasks = (await replayed(journal)).map(({ entry: _entry, ...task }) => task);
    const base = { name: "work", dispatch: undefined, context: undefined, attempt: 0, interrupted: 0, retries: 0 };
    const at = expect.any(Number);
    expect(tasks).toEqual([
      {
        ...base,
        id: "a-json",
        payload: { key: "photos/é.jpg", widths: [320, 640.5], deep: { flag: true, none: null } },
        dispatch: { priority: "high", attempts: 3, backoff: { type: "constant", delay: 5 }, key: "k" },
        context: { request: "r-1" },
        acceptedAt: Date.UTC(2026, 0, 1) + 1_000,
      },
      {
        ...base,
        id: "a-v8",
        payload: {
          at: new Date(5),
          seen: new Map([["one", new Set([1n])]]),
          bytes: new Uint8Array([1, 2, 3]),
          left: undefined,
        },
        context: { trace: undefined },
        acceptedAt: at,
      },
      { ...base, id: "a-running", name: "größe_変更", payload: "ran", interrupted: 1, acceptedAt: at },
      { ...base, id: "b-stopped", payload: [1, 2], attempt: 2, acceptedAt: at },
      { ...base, id: "b-again", payload: "again", retries: 1, acceptedAt: at },
    ]);
    expect(lines).toEqual([]);
  });

  it("has its dead letters listed and retried, also the one whose retry was cut short", async () => {
    const { journal } = testJournal({ dir: version1() });
    await journal.takeOver();
    const error = {
      name: "RangeError",
      message: "too large",
      code: "E_LARGE",
      stack: expect.stringContaining("resize"),
    };
    expect(await journal.deadLetters.list()).toMatchObject([
      { id: "b-dead", reason: "exhausted", attempts: 2, retries: 0, error },
      { id: "b-dead-v8", reason: "timeout", attempts: 0 },
      { id: "b-claimed", reason: "unknown-task", failedAt: expect.any(Number) },
    ]);
    expect(journal.deadLetters.retry("b-dead")).toMatchObject({ payload: { key: "x" }, dispatch: { attempts: 2 } });
    expect(journal.deadLetters.retry("b-dead-v8")?.payload).toEqual(new Date(7));
    expect(journal.deadLetters.discard("b-claimed")).toBe(true);
  });

  it("is continued in the version of today, and the old files go when their tasks have ended", async () => {
    const dir = version1();
    const { journal } = testJournal({ dir });
    const tasks = await replayed(journal);
    const entry = accept(journal, "new");
    expect(versionsIn(dir, ".segment").sort()).toEqual([1, 1, formatVersion]);
    for (const task of tasks) journal.ended(task.entry, "succeeded");
    await Promise.resolve();
    expect((await pendingIn(dir)).map(({ id }) => id)).toEqual([entry.id]);
    accept(journal);
    expect(versionsIn(dir, ".segment")).toEqual([formatVersion]);
  });
});

import { mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { serialize } from "node:v8";
import { describe, expect, it } from "vitest";
import { nodeFileSystem } from "../../src/journal/files/file-system.js";
import { formatVersion, header, headerLength } from "../../src/journal/format/format.js";
import { FaultyFileSystem } from "./faulty-file-system.js";
import { accept, afterKill, filesIn, pendingIn, replayed, reseal, setStreamVersion, testJournal } from "./journals.js";

const failure = Object.assign(new RangeError("too large"), { code: "E_LARGE" });

describe("a dead letter", () => {
  it("names its task, the reason and the progress", async () => {
    const { journal, dir } = testJournal();
    const entry = journal.accept({
      id: "d-1",
      task: "resize",
      payload: { key: "x" },
      dispatch: undefined,
      context: undefined,
    });
    journal.started(entry, 1);
    journal.stopped(entry);
    journal.started(entry, 2);
    expect(journal.moveToDeadLetters(entry, "exhausted", failure)).toBe(true);
    const [letter, ...others] = await journal.deadLetters.list();
    expect(others).toEqual([]);
    expect(letter).toMatchObject({
      id: "d-1",
      task: "resize",
      reason: "exhausted",
      error: { name: "RangeError", message: "too large", code: "E_LARGE", stack: failure.stack },
      attempts: 2,
      interrupted: 0,
      retries: 0,
    });
    expect(letter?.failedAt).toBeGreaterThanOrEqual(letter?.acceptedAt ?? Number.POSITIVE_INFINITY);
    await Promise.resolve();
    expect(await pendingIn(dir)).toEqual([]);
    expect(journal.stats.pending).toBe(0);
  });

  it("is there for all processes that share the directory, the oldest first, for every reason and kind of error", async () => {
    const { journal, dir } = testJournal();
    const reasons = ["exhausted", "crashed", "timeout", "unknown-task", "unreadable"] as const;
    for (const [index, reason] of reasons.entries()) {
      journal.moveToDeadLetters(accept(journal), reason, [undefined, "text", null, { a: 1 }, failure][index]);
    }
    const other = testJournal({ dir });
    const letters = await other.journal.deadLetters.list();
    expect(letters.map(({ reason }) => reason)).toEqual(reasons);
    expect(letters.map(({ error }) => error?.message)).toEqual([
      undefined,
      "text",
      "null",
      "[object Object]",
      "too large",
    ]);
  });

  it("runs again with the same id, the same payload and all its attempts", async () => {
    const { journal, dir } = testJournal();
    const payload = { key: "x", bytes: new Uint8Array([1, 2, 3]) };
    const entry = accept(journal, payload);
    journal.started(entry, 5);
    journal.moveToDeadLetters(entry, "exhausted", failure);
    const task = journal.deadLetters.retry(entry.id);
    expect(task).toMatchObject({ id: entry.id, name: "work", payload, attempt: 0, interrupted: 0 });
    expect(await journal.deadLetters.list()).toEqual([]);
    expect(filesIn(dir, ".letter")).toEqual([]);
    expect(await pendingIn(dir)).toMatchObject([{ id: entry.id, payload, attempt: 0 }]);
  });

  it("that runs again and fails again is one again, and counts its retries", async () => {
    const { journal } = testJournal();
    let entry = accept(journal);
    for (let retries = 0; retries < 3; retries++) {
      journal.moveToDeadLetters(entry, "exhausted", failure);
      expect(await journal.deadLetters.list()).toMatchObject([{ id: entry.id, retries }]);
      const again = journal.deadLetters.retry(entry.id);
      if (again === undefined) throw new Error("no dead letter");
      entry = again.entry;
    }
  });

  it("that another process runs again is not ended by the record of the first, in whatever order both are taken over", async () => {
    // The directories of both are found in a random order.
    for (let round = 0; round < 8; round++) {
      const first = testJournal();
      const entry = accept(first.journal);
      const second = testJournal({ dir: first.dir });
      first.journal.moveToDeadLetters(entry, "exhausted", failure);
      await Promise.resolve();
      second.journal.deadLetters.retry(entry.id);
      const third = testJournal({ dir: afterKill(first.dir) });
      expect((await replayed(third.journal)).map(({ id }) => id)).toEqual([entry.id]);
      expect((await pendingIn(third.dir)).map(({ id }) => id)).toEqual([entry.id]);
    }
  });

  it("is run again or discarded once, whoever tries", async () => {
    const { journal, dir } = testJournal();
    const other = testJournal({ dir });
    const entry = accept(journal);
    journal.moveToDeadLetters(entry, "timeout", failure);
    expect(other.journal.deadLetters.retry(entry.id)?.id).toBe(entry.id);
    expect(journal.deadLetters.retry(entry.id)).toBeUndefined();
    expect(journal.deadLetters.discard(entry.id)).toBe(false);
    const second = accept(journal);
    journal.moveToDeadLetters(second, "timeout", failure);
    expect(journal.deadLetters.discard(second.id)).toBe(true);
    expect(journal.deadLetters.retry(second.id)).toBeUndefined();
    expect(await journal.deadLetters.list()).toEqual([]);
  });

  it("is not named by a path", () => {
    const { journal, dir } = testJournal();
    writeFileSync(path.join(dir, "x.letter"), "");
    for (const id of ["../x", "", ".", "a/b"]) {
      expect(() => journal.deadLetters.discard(id)).toThrow(expect.objectContaining({ code: "AR_INVALID_ARGUMENT" }));
      expect(() => journal.deadLetters.retry(id)).toThrow(expect.objectContaining({ code: "AR_INVALID_ARGUMENT" }));
    }
    expect(statSync(path.join(dir, "x.letter")).size).toBe(0);
  });

  it.each([
    ["was cut short", (file: string) => truncateSync(file, statSync(file).size - 4), { task: "work" }],
    ["was overwritten", (file: string) => writeFileSync(file, "junk"), { task: "" }],
    ["became a directory", (file: string) => [rmSync(file), mkdirSync(file)], { task: "" }],
  ])("that %s is shown as damaged, is left where it is, and hides no other", async (_what, damage, known) => {
    const { journal, dir } = testJournal();
    const entries = [accept(journal), accept(journal)];
    for (const entry of entries) journal.moveToDeadLetters(entry, "timeout", failure);
    const [file = ""] = filesIn(dir, ".letter");
    damage(file);
    const id = path.basename(file, ".letter");
    const letters = await journal.deadLetters.list();
    expect(letters).toHaveLength(2);
    expect(letters.find((letter) => letter.id === id)).toMatchObject({
      ...known,
      reason: "damaged",
      error: { message: expect.stringContaining(file) },
      failedAt: statSync(file).mtimeMs,
    });
    expect(letters.find((letter) => letter.id !== id)).toMatchObject({ reason: "timeout" });
    expect(() => journal.deadLetters.retry(id)).toThrow(expect.objectContaining({ code: "AR_JOURNAL_UNAVAILABLE" }));
    expect(filesIn(dir, ".letter")).toHaveLength(2);
  });

  it("whose error cannot be read is one like any other", async () => {
    const { journal, dir } = testJournal();
    const entry = accept(journal);
    journal.moveToDeadLetters(entry, "timeout", failure);
    const [file = ""] = filesIn(dir, ".letter");
    const bytes = readFileSync(file);
    const second = headerLength + 8 + bytes.readUInt32LE(headerLength + 4);
    bytes[bytes.length - 1] = 0x20;
    reseal(bytes, second);
    writeFileSync(file, bytes);
    expect(await journal.deadLetters.list()).toMatchObject([{ id: entry.id, reason: "timeout" }]);
    expect(journal.deadLetters.retry(entry.id)?.id).toBe(entry.id);
  });

  it("of a newer version is shown as unreadable", async () => {
    const { journal, dir } = testJournal();
    writeFileSync(path.join(dir, "dead-letters", "n-1.letter"), header(formatVersion + 1));
    expect(await journal.deadLetters.list()).toMatchObject([
      { id: "n-1", reason: "unreadable", error: { message: expect.stringContaining(`version ${formatVersion + 1}`) } },
    ]);
  });
});

describe("a dead letter that cannot be written", () => {
  it.each(["open", "write", "rename", "read"] as const)("(%s fails) leaves its task in the journal", async (call) => {
    const disk = new FaultyFileSystem();
    const { journal, dir, lines } = testJournal({ fs: disk.fs });
    const entry = accept(journal);
    disk.fail(call, { code: "ENOSPC" });
    expect(journal.moveToDeadLetters(entry, "exhausted", failure)).toBe(false);
    expect(lines).toMatchObject([{ level: "error", fields: { id: entry.id, reason: "exhausted" } }]);
    disk.heal();
    expect((await pendingIn(dir)).map(({ id }) => id)).toEqual([entry.id]);
    expect(await journal.deadLetters.list()).toEqual([]);
    expect(journal.moveToDeadLetters(entry, "exhausted", failure)).toBe(true);
  });
});

describe("dead letters", () => {
  /** A journal on a disk of 800 kB, a quarter of which is for dead letters, and tasks of 50 kB in it. */
  function smallDisk() {
    const fs = { ...nodeFileSystem, space: () => ({ free: 800_000, total: 800_000 }) };
    const test = testJournal({ fs });
    const makeDead = (count: number) =>
      Array.from({ length: count }, () => {
        const entry = accept(test.journal, "x".repeat(50_000));
        return { id: entry.id, isDead: test.journal.moveToDeadLetters(entry, "exhausted", failure) };
      });
    return { ...test, fs, makeDead };
  }

  it("are bounded: beyond that, a task stays in the journal and is named in the log, and no older one is deleted", async () => {
    const { journal, dir, lines, makeDead } = smallDisk();
    const tasks = makeDead(5);
    expect(tasks.map(({ isDead }) => isDead)).toEqual([true, true, true, false, false]);
    expect(lines).toMatchObject(tasks.slice(3).map(({ id }) => ({ level: "error", fields: { id } })));
    await Promise.resolve();
    expect((await journal.deadLetters.list()).map(({ id }) => id)).toEqual(tasks.slice(0, 3).map(({ id }) => id));
    expect((await pendingIn(dir)).map(({ id }) => id)).toEqual(tasks.slice(3).map(({ id }) => id));
  });

  it("that found no room are written when another one is discarded here", async () => {
    const { journal, dir, makeDead } = smallDisk();
    const [first, , , fourth] = makeDead(4);
    journal.deadLetters.discard(first?.id ?? "");
    await Promise.resolve();
    expect((await journal.deadLetters.list()).map(({ id }) => id)).toContain(fourth?.id);
    expect(await pendingIn(dir)).toEqual([]);
  });

  it("that found no room are written at the next look when another process has discarded some", async () => {
    const { journal, dir, fs, makeDead } = smallDisk();
    const [first, , , fourth] = makeDead(4);
    testJournal({ dir, fs }).journal.deadLetters.discard(first?.id ?? "");
    await journal.takeOver();
    await Promise.resolve();
    expect((await journal.deadLetters.list()).map(({ id }) => id)).toContain(fourth?.id);
    expect(await pendingIn(dir)).toEqual([]);
  });

  it("count in maxBytes: what they hold is not there for unfinished tasks", () => {
    const { journal } = testJournal({ maxBytes: 32 * 1024 ** 2 });
    const large = "x".repeat(7_000_000);
    journal.moveToDeadLetters(accept(journal, large), "exhausted", failure);
    accept(journal, large);
    // 14 of 16 MiB, if there were no dead letter.
    expect(() => accept(journal, large)).toThrow(expect.objectContaining({ code: "AR_JOURNAL_FULL" }));
  });
});

describe("a dead letter that cannot be accepted again", () => {
  it("stays one", async () => {
    const disk = new FaultyFileSystem();
    const { journal } = testJournal({ fs: disk.fs });
    const entry = accept(journal);
    journal.moveToDeadLetters(entry, "exhausted", failure);
    await Promise.resolve();
    disk.fail("write", { code: "ENOSPC" });
    expect(() => journal.deadLetters.retry(entry.id)).toThrow(expect.objectContaining({ code: "AR_JOURNAL_FULL" }));
    expect(await journal.deadLetters.list()).toMatchObject([{ id: entry.id, retries: 0 }]);
  });
});

describe("a retry that throws", () => {
  it("leaves the dead letter where it was, and nothing in the log", async () => {
    const { journal, dir } = testJournal();
    const entry = accept(journal);
    journal.moveToDeadLetters(entry, "exhausted", failure);
    await Promise.resolve();
    const before = readFileSync(path.join(dir, "dead-letters", `${entry.id}.letter`));
    const refuse = (): never => {
      throw new RangeError("refused");
    };
    expect(() => journal.deadLetters.retryWith(entry.id, refuse)).toThrow("refused");
    expect(readFileSync(path.join(dir, "dead-letters", `${entry.id}.letter`))).toEqual(before);
    expect(await pendingIn(dir)).toEqual([]);
    expect(journal.deadLetters.retry(entry.id)?.id).toBe(entry.id);
  });

  it("while the disk refuses to move it back leaves it to the next look", async () => {
    const disk = new FaultyFileSystem();
    const { journal, lines } = testJournal({ fs: disk.fs });
    const entry = accept(journal);
    journal.moveToDeadLetters(entry, "exhausted", failure);
    await Promise.resolve();
    const refuse = (): never => {
      disk.fail("rename", { code: "EIO" });
      throw new RangeError("refused");
    };
    expect(() => journal.deadLetters.retryWith(entry.id, refuse)).toThrow("refused");
    expect(lines).toMatchObject([{ level: "error", fields: { file: expect.stringContaining(entry.id) } }]);
    disk.heal();
    expect(await journal.deadLetters.list()).toMatchObject([{ id: entry.id, reason: "exhausted" }]);
  });
});

describe("a process that dies while it runs a dead letter again", () => {
  it("before the task is accepted leaves the dead letter", async () => {
    const disk = new FaultyFileSystem();
    const { journal, dir } = testJournal({ fs: disk.fs });
    const entry = accept(journal);
    journal.moveToDeadLetters(entry, "exhausted", failure);
    await Promise.resolve();
    let killed = "";
    const { write } = disk.fs;
    disk.fs.write = (...args) => {
      killed ||= afterKill(dir);
      return write(...args);
    };
    journal.deadLetters.retry(entry.id);
    const next = testJournal({ dir: killed });
    expect(await replayed(next.journal)).toEqual([]);
    expect(await next.journal.deadLetters.list()).toMatchObject([{ id: entry.id, retries: 0 }]);
  });

  it("after the task is accepted leaves the task", async () => {
    const disk = new FaultyFileSystem();
    const { journal, dir } = testJournal({ fs: disk.fs });
    const entry = accept(journal);
    journal.moveToDeadLetters(entry, "exhausted", failure);
    disk.fail("unlink", { code: "EIO" });
    journal.deadLetters.retry(entry.id);
    disk.heal();
    const next = testJournal({ dir: afterKill(dir) });
    expect((await replayed(next.journal)).map(({ id }) => id)).toEqual([entry.id]);
    expect(await next.journal.deadLetters.list()).toEqual([]);
  });
});

describe("a task that was running when its process died", () => {
  it("runs again maxStarts - 1 times, and then goes to the dead letters", async () => {
    const first = testJournal();
    const entry = accept(first.journal, { poison: true });
    const innocent = accept(first.journal);
    first.journal.started(entry, 1);
    await Promise.resolve();
    let dir = afterKill(first.dir);
    for (const interrupted of [1, 2]) {
      const { journal } = testJournal({ dir, maxStarts: 3 });
      const tasks = await replayed(journal);
      expect(tasks).toMatchObject([
        { id: entry.id, interrupted },
        { id: innocent.id, interrupted: 0 },
      ]);
      for (const task of tasks.slice(0, 1)) journal.started(task.entry, 1);
      await Promise.resolve();
      dir = afterKill(dir);
    }
    const last = testJournal({ dir, maxStarts: 3 });
    expect(await last.journal.takeOver()).toEqual({ owners: 1, pending: 1, crashed: 1 });
    expect([...last.journal.replay()].map(({ id }) => id)).toEqual([innocent.id]);
    expect(await last.journal.deadLetters.list()).toMatchObject([
      {
        id: entry.id,
        reason: "crashed",
        interrupted: 3,
        attempts: 0,
        error: { message: expect.stringContaining("3 processes died") },
      },
    ]);
    expect(last.lines).toMatchObject([{ level: "error", fields: { id: entry.id, task: "work" } }]);
    await Promise.resolve();
    expect((await pendingIn(dir)).map(({ id }) => id)).toEqual([innocent.id]);
  });

  it("is not run if its dead letter cannot be written", async () => {
    const first = testJournal();
    const entry = accept(first.journal);
    first.journal.started(entry, 1);
    await Promise.resolve();
    const disk = new FaultyFileSystem();
    const { journal, dir } = testJournal({ dir: afterKill(first.dir), maxStarts: 1, fs: disk.fs });
    disk.fail("write", { code: "ENOSPC" });
    expect(await replayed(journal)).toEqual([]);
    disk.heal();
    expect((await pendingIn(dir)).map(({ interrupted }) => interrupted)).toEqual([1]);
  });
});

describe("a payload that this Node.js cannot read", () => {
  it("makes its task a dead letter, with its bytes as they are", async () => {
    const { journal, dir } = testJournal();
    const entry = accept(journal, new Date(0));
    const after = accept(journal);
    const killed = afterKill(dir);
    const [file = ""] = filesIn(killed, ".segment");
    const bytes = readFileSync(file);
    const at = setStreamVersion(bytes, serialize([new Date(0)]));
    reseal(bytes, headerLength);
    writeFileSync(file, bytes);
    const next = testJournal({ dir: killed });
    expect((await replayed(next.journal)).map(({ id }) => id)).toEqual([after.id]);
    expect(await next.journal.deadLetters.list()).toMatchObject([{ id: entry.id, reason: "unreadable" }]);
    expect(() => next.journal.deadLetters.retry(entry.id)).toThrow(
      expect.objectContaining({ code: "AR_PAYLOAD_NOT_CLONEABLE" }),
    );
    const [letter = ""] = filesIn(killed, ".letter");
    expect(readFileSync(letter).includes(bytes.subarray(at, at + serialize([new Date(0)]).length))).toBe(true);
  });
});

describe("a file of a dead letter", () => {
  it("begins like a segment", () => {
    const { journal, dir } = testJournal();
    journal.moveToDeadLetters(accept(journal), "timeout", failure);
    const [file = ""] = filesIn(dir, ".letter");
    expect(readFileSync(file).subarray(0, headerLength)).toEqual(header());
  });
});

describe("the number of dead letters by reason", () => {
  const none = { exhausted: 0, crashed: 0, timeout: 0, "unknown-task": 0, unreadable: 0, damaged: 0 };

  it("follows what this process writes, runs again and discards", () => {
    const { journal } = testJournal();
    const [first, second] = [accept(journal), accept(journal)];
    journal.moveToDeadLetters(first, "exhausted", failure);
    journal.moveToDeadLetters(second, "timeout", failure);
    expect(journal.stats.deadLetters).toEqual({ ...none, exhausted: 1, timeout: 1 });
    journal.deadLetters.discard(first.id);
    expect(journal.stats.deadLetters).toEqual({ ...none, timeout: 1 });
    expect(() =>
      journal.deadLetters.retryWith(second.id, () => {
        throw failure;
      }),
    ).toThrow(failure);
    expect(journal.stats.deadLetters).toEqual({ ...none, timeout: 1 });
    journal.deadLetters.retry(second.id);
    expect(journal.stats.deadLetters).toEqual(none);
  });

  it("is found out at the takeover for those of other processes, with little read of each", async () => {
    const { journal, dir } = testJournal();
    const payload = Buffer.alloc(1_000_000, 7);
    const reasons = ["exhausted", "crashed", "timeout", "unknown-task", "unreadable"] as const;
    const entries = reasons.map((reason) => {
      const entry = accept(journal, payload);
      journal.moveToDeadLetters(entry, reason, failure);
      return entry;
    });
    const damaged = accept(journal, { a: 1 });
    journal.moveToDeadLetters(damaged, "timeout", failure);
    truncateSync(path.join(dir, "dead-letters", `${damaged.id}.letter`), 60);
    let read = 0;
    const fs = {
      ...nodeFileSystem,
      read: (...args: Parameters<typeof nodeFileSystem.read>) => {
        const count = nodeFileSystem.read(...args);
        read += count;
        return count;
      },
    };
    const other = testJournal({ dir, fs });
    expect(other.journal.stats.deadLetters).toEqual(none);
    await other.journal.takeOver();
    expect(other.journal.stats.deadLetters).toEqual({
      exhausted: 1,
      crashed: 1,
      timeout: 1,
      "unknown-task": 1,
      unreadable: 1,
      damaged: 1,
    });
    expect(read).toBeLessThan(100_000);
    for (const entry of entries.slice(1)) journal.deadLetters.discard(entry.id);
    await other.journal.takeOver();
    expect(other.journal.stats.deadLetters).toEqual({ ...none, exhausted: 1, damaged: 1 });
  });
});

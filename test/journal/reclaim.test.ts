import { closeSync, cpSync, openSync, statSync, writeSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Journal } from "../../src/journal/journal.js";
import type { JournalEntry } from "../../src/journal/log/segment.js";
import { accept, afterKill, filesIn, pendingIn, replayed, testJournal } from "./journals.js";

const MiB = 1024 * 1024;

function bytesOf(dir: string): number {
  return filesIn(dir, ".segment").reduce((sum, file) => sum + statSync(file).size, 0);
}

/** Accepts and ends tasks until so many bytes have passed; returns the most bytes that the segments took. */
async function passThrough(journal: Journal, dir: string, bytes: number, size = 10_000): Promise<number> {
  const payload = "x".repeat(size);
  let peak = 0;
  for (let passed = 0; passed < bytes; passed += size) {
    const entry = accept(journal, payload);
    journal.started(entry, 1);
    journal.ended(entry, "succeeded");
    await Promise.resolve();
    if (passed % (1_000 * size) === 0) peak = Math.max(peak, bytesOf(dir));
  }
  return peak;
}

describe("disk space", () => {
  it("is given back as tasks end", async () => {
    const { journal, dir } = testJournal();
    const peak = await passThrough(journal, dir, 60 * MiB);
    expect(peak).toBeLessThan(2 * 4.1 * MiB);
    expect(journal.stats).toMatchObject({ pending: 0, liveBytes: 0 });
    expect(journal.stats.bytes).toBe(bytesOf(dir));
  });

  it("is given back though one task never ends, which stays and keeps its progress", async () => {
    const { journal, dir } = testJournal();
    const stuck = accept(journal, { stuck: true });
    journal.started(stuck, 3);
    const peak = await passThrough(journal, dir, 100 * MiB);
    expect(peak).toBeLessThan(40 * MiB);
    expect(await pendingIn(dir)).toMatchObject([
      { id: stuck.id, payload: { stuck: true }, attempt: 2, interrupted: 1 },
    ]);
    journal.stopped(stuck);
    await Promise.resolve();
    expect(await pendingIn(dir)).toMatchObject([{ id: stuck.id, attempt: 3, interrupted: 0 }]);
  });

  it("is at most twice what unfinished tasks need, and a segment or two, where many never end", async () => {
    const { journal, dir } = testJournal();
    const kept: JournalEntry[] = [];
    const ids: string[] = [];
    for (let index = 0; index < 4_000; index++) {
      const entry = accept(journal, "y".repeat(10_000));
      if (index % 5 === 0) kept.push(entry);
      else journal.ended(entry, "succeeded");
    }
    for (const { id } of kept) ids.push(id);
    const peak = await passThrough(journal, dir, 60 * MiB);
    expect(peak).toBeLessThan(Math.max(16 * MiB, 2 * journal.stats.liveBytes) + 2 * 4.1 * MiB);
    expect((await pendingIn(dir)).map(({ id }) => id)).toEqual(ids);
  });

  it("of segments that were taken over is given back like our own, and nothing rises again", async () => {
    const dead = testJournal();
    const stuck = accept(dead.journal, "stuck");
    for (let index = 0; index < 1_000; index++)
      dead.journal.ended(accept(dead.journal, "z".repeat(10_000)), "succeeded");
    const unfinished = Array.from({ length: 300 }, () => accept(dead.journal, "z".repeat(10_000)));
    const dir = afterKill(dead.dir);
    const { journal } = testJournal({ dir });
    await journal.takeOver();
    const tasks = [...journal.replay()];
    expect(tasks).toHaveLength(1 + unfinished.length);
    for (const { entry, id } of tasks) if (id !== stuck.id) journal.ended(entry, "succeeded");
    await passThrough(journal, dir, 30 * MiB);
    expect(filesIn(dir, ".segment").filter((file) => file.includes("000001-"))).toEqual([]);
    expect((await pendingIn(dir)).map(({ id }) => id)).toEqual([stuck.id]);
  });

  it("is not given back too soon: the end of a task that was taken over late outlives its beginning", async () => {
    const dead = testJournal();
    const ended = accept(dead.journal, "ended");
    const kept = accept(dead.journal, "kept");
    const { journal, dir } = testJournal();
    await passThrough(journal, dir, 10 * MiB);
    cpSync(afterKill(dead.dir), dir, { recursive: true });
    const tasks = await replayed(journal);
    expect(tasks.map(({ id }) => id)).toEqual([ended.id, kept.id]);
    const [first] = tasks;
    if (first !== undefined) journal.ended(first.entry, "succeeded");
    await passThrough(journal, dir, 12 * MiB);
    expect((await pendingIn(dir)).map(({ id }) => id)).toEqual([kept.id]);
  });

  it("leaves a damaged record where it is instead of writing it again", async () => {
    const { journal, dir, lines } = testJournal();
    const bad = accept(journal, "w".repeat(100));
    const [file = ""] = filesIn(dir, ".segment");
    const fd = openSync(file, "r+");
    writeSync(fd, Buffer.from("!"), 0, 1, bad.offset + bad.length - 5);
    closeSync(fd);
    await passThrough(journal, dir, 40 * MiB);
    expect(lines.filter(({ message }) => message.includes("cannot be compacted"))).toHaveLength(1);
    expect(bad.segment?.name).toBe("0000000001.segment");
  });
});

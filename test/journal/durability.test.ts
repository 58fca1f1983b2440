import { describe, expect, it } from "vitest";
import { FaultyFileSystem } from "./faulty-file-system.js";
import { accept, filesIn, pendingIn, testJournal } from "./journals.js";

function diskJournal() {
  const disk = new FaultyFileSystem();
  return { disk, ...testJournal({ durability: "disk", fs: disk.fs }) };
}

describe('durability "process"', () => {
  it("never syncs, and is durable at once", async () => {
    const disk = new FaultyFileSystem();
    const { journal } = testJournal({ fs: disk.fs });
    accept(journal);
    await journal.durable();
    expect(disk.counts.get("sync")).toBeUndefined();
  });
});

describe('durability "disk"', () => {
  it("is reached by one sync for everything accepted in a turn, and the first time by one of the directory", async () => {
    const { disk, journal } = diskJournal();
    for (let index = 0; index < 100; index++) accept(journal);
    await journal.durable();
    expect(disk.counts.get("sync")).toBe(2);
    for (let index = 0; index < 100; index++) accept(journal);
    await journal.durable();
    expect(disk.counts.get("sync")).toBe(3);
  });

  it("is reached though nobody asks", async () => {
    const { disk, journal } = diskJournal();
    accept(journal);
    await new Promise<void>((resolve) => {
      const look = (): void => void ((disk.counts.get("sync") ?? 0) >= 2 ? resolve() : setImmediate(look));
      look();
    });
  });

  it("includes what is accepted while a sync is under way", async () => {
    const { disk, journal } = diskJournal();
    accept(journal);
    const first = journal.durable();
    await new Promise(setImmediate);
    accept(journal);
    await Promise.all([first, journal.durable()]);
    expect(disk.counts.get("sync")).toBe(3);
  });

  it("that is not reached rejects, is logged, and later tasks go to another file", async () => {
    const { disk, journal, dir, lines } = diskJournal();
    const first = accept(journal);
    disk.fail("sync", { code: "EIO", times: 2 });
    await expect(journal.durable()).rejects.toMatchObject({ code: "AR_JOURNAL_UNAVAILABLE" });
    expect(lines).toMatchObject([{ level: "error", message: expect.stringContaining("power cut") }]);
    const second = accept(journal);
    await journal.durable();
    expect(second.segment?.name).not.toBe(first.segment?.name);
    // A kill loses nothing all the same.
    expect((await pendingIn(dir)).map(({ id }) => id)).toEqual([first.id, second.id]);
  });

  it("is no unhandled rejection when nobody waits for it", async () => {
    const { disk, journal, lines } = diskJournal();
    disk.fail("sync", { code: "EIO" });
    accept(journal);
    await new Promise<void>((resolve) => {
      const look = (): void => void (lines.length > 0 ? resolve() : setImmediate(look));
      look();
    });
    disk.heal();
  });

  it("deletes a segment only when what was rewritten of it is on the disk", async () => {
    const { disk, journal, dir } = diskJournal();
    const stuck = accept(journal, "stuck");
    await journal.durable();
    disk.fail("sync", { code: "EIO" });
    for (let index = 0; index < 30; index++) journal.ended(accept(journal, "x".repeat(1_000_000)), "succeeded");
    await expect(journal.durable()).rejects.toThrow();
    expect(stuck.segment?.name).not.toBe("0000000001.segment");
    expect(filesIn(dir, "0000000001.segment")).toHaveLength(1);
    disk.heal();
    accept(journal);
    await journal.durable();
    expect(filesIn(dir, "0000000001.segment")).toEqual([]);
  });

  it("has a dead letter on the disk before its task leaves the log", async () => {
    const { disk, journal, dir } = diskJournal();
    const entry = accept(journal);
    await journal.durable();
    disk.fail("sync", { code: "EIO" });
    expect(journal.moveToDeadLetters(entry, "exhausted", new Error("x"))).toBe(true);
    await expect(journal.durable()).rejects.toThrow();
    expect((await pendingIn(dir)).map(({ id }) => id)).toEqual([entry.id]);
    disk.heal();
    await journal.durable();
    await journal.durable();
    expect(await pendingIn(dir)).toEqual([]);
    expect(filesIn(dir, ".letter")).toHaveLength(1);
  });

  it("leaves nothing behind when it is closed with nothing unfinished", async () => {
    const { journal, dir } = diskJournal();
    for (let index = 0; index < 20; index++) journal.ended(accept(journal, "x".repeat(1_000_000)), "succeeded");
    await journal.close();
    expect(filesIn(dir, "").map((file) => file.slice(dir.length + 1))).toEqual(["damaged", "dead-letters"]);
  });

  it("closes with everything on the disk, and every descriptor closed", async () => {
    const { disk, journal } = diskJournal();
    for (let index = 0; index < 20; index++) accept(journal, "x".repeat(1_000_000));
    await journal.close();
    expect(disk.counts.get("close")).toBe(disk.counts.get("open"));
  });
});

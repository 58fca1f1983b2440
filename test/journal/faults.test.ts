// Every call of the file system fails: what was accepted stays, what cannot be is refused with a code, and the process goes on.
import { renameSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { JournalEntry } from "../../src/journal/log/segment.js";
import { FaultyFileSystem } from "./faulty-file-system.js";
import { accept, afterKill, filesIn, pendingIn, replayed, testJournal } from "./journals.js";

const fullCodes = ["ENOSPC", "EDQUOT", "EFBIG"];
const brokenCodes = ["EIO", "EROFS", "EACCES", "EBADF"];

function faultyJournal(options: Parameters<typeof testJournal>[0] = {}) {
  const disk = new FaultyFileSystem();
  return { disk, ...testJournal({ ...options, fs: disk.fs }) };
}

const ids = async (dir: string): Promise<string[]> => (await pendingIn(dir)).map(({ id }) => id);

describe("a write that fails", () => {
  it.each([
    ...fullCodes.map((code) => [code, "AR_JOURNAL_FULL"]),
    ...brokenCodes.map((code) => [code, "AR_JOURNAL_UNAVAILABLE"]),
  ])("with %s refuses the task with %s, and loses nothing that was accepted before", async (code, expected) => {
    const { disk, journal, dir } = faultyJournal();
    const before = accept(journal);
    disk.fail("write", { code });
    for (let call = 0; call < 3; call++) {
      expect(() => accept(journal, "hush")).toThrow(expect.objectContaining({ code: expected, statusCode: 503 }));
    }
    expect(await ids(dir)).toEqual([before.id]);
    disk.heal();
    const after = accept(journal);
    expect(await ids(dir)).toEqual([before.id, after.id]);
    expect(journal.stats.pending).toBe(2);
  });

  it("names the file and the reason, and shows nothing of the payload", () => {
    const { disk, journal, dir } = faultyJournal();
    accept(journal);
    disk.fail("write", { code: "ENOSPC" });
    expect(() => accept(journal, "hush")).toThrow(/^journal: cannot write to .*\.segment: ENOSPC$/);
    expect(() => accept(journal, "hush")).toThrow(dir);
    expect(() => accept(journal, "hush")).not.toThrow("hush");
  });

  it("makes no new file at each call while the disk is full", () => {
    const { disk, journal, dir } = faultyJournal();
    accept(journal);
    disk.fail("write", { code: "ENOSPC" });
    for (let call = 0; call < 50; call++) expect(() => accept(journal)).toThrow();
    expect(filesIn(dir, ".segment").length).toBeLessThanOrEqual(2);
  });

  it("begins a new segment after the failure, because reading stops at a torn record", () => {
    const { disk, journal } = faultyJournal();
    const before = accept(journal);
    disk.fail("write", { code: "EIO", times: 1 });
    expect(() => accept(journal)).toThrow();
    expect(accept(journal).segment?.name).not.toBe(before.segment?.name);
  });

  it("does not run a refused task at the next start, though its record was written whole and could not be cut off", async () => {
    const disk = new FaultyFileSystem();
    const lying = {
      ...disk.fs,
      write: (fd: number, buffer: Buffer, offset: number, length: number): number => {
        const written = disk.fs.write(fd, buffer, offset, length);
        // Only what is written: the rest of the buffer is whatever the memory held before.
        if (buffer.subarray(offset, offset + length).includes("refused")) {
          throw Object.assign(new Error("EIO"), { code: "EIO" });
        }
        return written;
      },
    };
    const { journal, dir } = testJournal({ fs: lying });
    disk.fail("truncate", { code: "EIO" });
    const before = accept(journal);
    expect(() => accept(journal, "refused")).toThrow();
    await Promise.resolve();
    expect(await ids(dir)).toEqual([before.id]);
  });
});

describe("a short write", () => {
  it.each([0, 1, 15, 16, 17, 40])("of %i bytes is made good in a new segment", async (bytes) => {
    const { disk, journal, dir } = faultyJournal();
    const before = accept(journal);
    disk.shorten(bytes);
    const cut = accept(journal);
    const after = accept(journal);
    expect(cut.segment?.name).not.toBe(before.segment?.name);
    expect(after.segment?.name).toBe(cut.segment?.name);
    expect(await ids(dir)).toEqual([before.id, cut.id, after.id]);
  });

  it.each([
    ["the header of the new segment", 10, 2],
    ["the record in the new segment", 20, 3],
  ])("and another one of %s refuse the task", async (_what, bytes, times) => {
    const { disk, journal, dir } = faultyJournal();
    const before = accept(journal);
    disk.shorten(bytes, times);
    expect(() => accept(journal)).toThrow(expect.objectContaining({ code: "AR_JOURNAL_FULL" }));
    const after = accept(journal);
    expect(await ids(dir)).toEqual([before.id, after.id]);
  });

  it("that cannot be cut off either leaves a torn tail, which ends the reading of that segment alone", async () => {
    const { disk, journal, dir } = faultyJournal();
    const before = accept(journal);
    disk.fail("truncate", { code: "EIO" });
    disk.shorten(30);
    const after = accept(journal);
    const { journal: next, lines } = testJournal({ dir: afterKill(dir) });
    expect((await replayed(next)).map(({ id }) => id)).toEqual([before.id, after.id]);
    expect(lines).toEqual([]);
  });

  it("of a group of steps repeats them, and counts no death twice", async () => {
    const { disk, journal, dir } = faultyJournal();
    const first = accept(journal);
    const second = accept(journal);
    disk.fail("truncate", { code: "EIO" });
    disk.shorten(50);
    journal.started(first, 1);
    journal.started(second, 1);
    await Promise.resolve();
    expect(await pendingIn(dir)).toMatchObject([
      { id: first.id, interrupted: 1 },
      { id: second.id, interrupted: 1 },
    ]);
  });
});

describe("steps that cannot be written", () => {
  it("wait for the next write that succeeds", async () => {
    const { disk, journal, dir } = faultyJournal();
    const ended = accept(journal);
    const kept = accept(journal);
    disk.fail("write", { code: "ENOSPC" });
    journal.ended(ended, "succeeded");
    await Promise.resolve();
    expect(await ids(dir)).toEqual([ended.id, kept.id]);
    disk.heal();
    const after = accept(journal);
    expect(await ids(dir)).toEqual([kept.id, after.id]);
  });

  it("are given up when too many wait, which is logged once", async () => {
    const { disk, journal, lines } = faultyJournal();
    const entries = Array.from({ length: 10_000 }, () => accept(journal));
    disk.fail("write", { code: "ENOSPC" });
    for (const entry of entries) journal.started(entry, 1);
    await Promise.resolve();
    const logged = lines.filter(({ message }) => message.includes("would run again"));
    expect(logged).toHaveLength(1);
  });
});

describe("a disk that stays full for long", () => {
  it("costs no end of a task, however many there are, and none is written twice when there is room", async () => {
    const { disk, journal, dir } = faultyJournal();
    const entries = Array.from({ length: 10_000 }, () => accept(journal));
    const kept = accept(journal);
    disk.fail("write", { code: "ENOSPC" });
    for (const entry of entries) journal.started(entry, 1);
    for (const entry of entries) journal.ended(entry, "succeeded");
    await Promise.resolve();
    expect(await ids(dir)).toHaveLength(10_001);
    disk.heal();
    journal.keepUp();
    expect(await ids(dir)).toEqual([kept.id]);
    const after = accept(journal);
    expect(await ids(dir)).toEqual([kept.id, after.id]);
  });

  it("accepts no task before there is room for the ends of those there are", () => {
    const { disk, journal, dir } = faultyJournal();
    accept(journal);
    const entry = accept(journal);
    const reserve = (): number => statSync(filesIn(dir, "reserve.part")[0] ?? "").size;
    const whole = reserve();
    disk.fail("write", { code: "ENOSPC", times: 1 });
    journal.ended(entry, "succeeded");
    journal.flush();
    expect(reserve()).toBeLessThan(whole);
    // There would be room for a task, and there is none for the reserve.
    disk.fail("open", { code: "ENOSPC", when: (file) => String(file).endsWith("reserve.part") });
    expect(() => accept(journal)).toThrow(expect.objectContaining({ code: "AR_JOURNAL_FULL" }));
    disk.heal();
    accept(journal);
    expect(reserve()).toBe(whole);
  });
});

describe("a segment that cannot be made", () => {
  it.each(["EMFILE", "ENFILE", "EACCES", "EROFS"])(
    "for %s refuses when there is none, and goes on with the old one when there is",
    async (code) => {
      const { disk, journal, dir } = faultyJournal();
      disk.fail("open", { code });
      expect(() => accept(journal)).toThrow(expect.objectContaining({ code: "AR_JOURNAL_UNAVAILABLE" }));
      disk.heal();
      accept(journal, "x".repeat(5_000_000));
      disk.fail("open", { code });
      const grown = accept(journal);
      disk.heal();
      const rolled = accept(journal);
      expect(rolled.segment?.name).not.toBe(grown.segment?.name);
      expect((await ids(dir)).slice(1)).toEqual([grown.id, rolled.id]);
    },
  );

  it("for a full disk refuses with AR_JOURNAL_FULL", () => {
    const { disk, journal } = faultyJournal();
    disk.fail("open", { code: "ENOSPC" });
    expect(() => accept(journal)).toThrow(expect.objectContaining({ code: "AR_JOURNAL_FULL" }));
  });
});

describe("a directory that vanishes", () => {
  it("is noticed within a second, made again, and new tasks are safe in it", async () => {
    let clock = 1_000_000;
    const { journal, dir, lines } = testJournal({ now: () => clock });
    accept(journal);
    rmSync(dir, { recursive: true });
    clock += 1_001;
    const after = accept(journal);
    expect(await ids(dir)).toEqual([after.id]);
    expect(lines).toMatchObject([{ level: "error", message: expect.stringContaining("vanished") }]);
  });

  it("refuses with a code while it cannot be made again", async () => {
    let clock = 1_000_000;
    const { disk, journal, dir } = faultyJournal({ now: () => clock });
    const before = accept(journal);
    rmSync(dir, { recursive: true });
    clock += 1_001;
    disk.fail("mkdir", { code: "EROFS" });
    expect(() => accept(journal)).toThrow(expect.objectContaining({ code: "AR_JOURNAL_UNAVAILABLE" }));
    disk.heal();
    const after = accept(journal);
    expect(await ids(dir)).toEqual([after.id]);
    // The task that was in the lost directory ends like any other.
    journal.started(before, 1);
    journal.ended(before, "succeeded");
    expect(journal.moveToDeadLetters(after, "exhausted", new Error("no"))).toBe(true);
  });

  it("that was moved away goes on being written to until its segment is full", async () => {
    const { journal, dir } = testJournal();
    accept(journal);
    const moved = `${dir}-moved`;
    renameSync(dir, moved);
    const entry = accept(journal, "x".repeat(5_000_000));
    const next = accept(journal);
    expect((await ids(moved)).at(-1)).toBe(entry.id);
    expect(await ids(dir)).toEqual([next.id]);
  });
});

describe("a finished segment that cannot be deleted", () => {
  it("stays, and so does everything behind it, until it can", async () => {
    const { disk, journal, dir, lines } = faultyJournal();
    const large = "x".repeat(1_500_000);
    const entries = Array.from({ length: 12 }, () => accept(journal, large));
    disk.fail("unlink", { code: "EPERM" });
    for (const entry of entries) journal.ended(entry, "succeeded");
    await Promise.resolve();
    const files = filesIn(dir, ".segment").length;
    expect(files).toBeGreaterThanOrEqual(4);
    expect(lines.some(({ message }) => message.includes("cannot be deleted"))).toBe(true);
    expect(await ids(dir)).toEqual([]);
    disk.heal();
    for (let index = 0; index < 4; index++) journal.ended(accept(journal, large), "succeeded");
    await Promise.resolve();
    expect(filesIn(dir, ".segment").length).toBeLessThan(files);
    expect(await ids(dir)).toEqual([]);
  });
});

describe("a takeover with a fault in it", () => {
  it.each(["EMFILE", "EACCES"])("waits for the next one when files cannot be opened (%s)", async (code) => {
    const { journal, dir } = testJournal();
    const entry = accept(journal);
    const { disk, journal: next, lines } = faultyJournal({ dir: afterKill(dir) });
    // The first open looks at the version, the second reads.
    let opened = 0;
    disk.fail("open", { code, when: (file) => String(file).endsWith(".segment") && ++opened > 1 });
    expect(await replayed(next)).toEqual([]);
    expect(lines).toMatchObject([{ level: "error", message: expect.stringContaining("its tasks wait") }]);
    disk.heal();
    expect((await replayed(next)).map(({ id }) => id)).toEqual([entry.id]);
  });

  it("leaves a directory that cannot be renamed to somebody else", async () => {
    const { journal, dir } = testJournal();
    const entry = accept(journal);
    const { disk, journal: next, lines } = faultyJournal({ dir: afterKill(dir) });
    disk.fail("rename", { code: "EIO" });
    expect(await replayed(next)).toEqual([]);
    expect(lines).toMatchObject([{ level: "error", message: expect.stringContaining("cannot be taken over") }]);
    disk.heal();
    expect((await replayed(next)).map(({ id }) => id)).toEqual([entry.id]);
  });

  it("keeps a segment that the disk cannot read, and recovers the others", async () => {
    const { journal, dir } = testJournal();
    const entries = Array.from({ length: 10 }, () => accept(journal, "x".repeat(1_000_000)));
    const { disk, journal: next, dir: copy, lines } = faultyJournal({ dir: afterKill(dir) });
    let reads = 0;
    disk.fail("read", {
      code: "EIO",
      when: (_fd, _buffer, _offset, length) => Number(length) > 1_000 && ++reads === 1,
    });
    const found = (await replayed(next)).map(({ id }) => id);
    const lost = entries.filter(({ segment }) => segment?.name === "0000000001.segment").map(({ id }) => id);
    expect(lost.length).toBeGreaterThan(0);
    expect(found).toEqual(entries.map(({ id }) => id).filter((id) => !lost.includes(id)));
    expect(lines).toMatchObject([{ level: "error", fields: { result: "damaged", readUntil: 0 } }]);
    expect(filesIn(path.join(copy, "damaged"), ".segment")).toHaveLength(1);
  });

  it("keeps a task in the journal that cannot be read when it is its turn", async () => {
    const { journal, dir } = testJournal();
    const entry = accept(journal);
    const { disk, journal: next, dir: copy, lines } = faultyJournal({ dir: afterKill(dir) });
    await next.takeOver();
    disk.fail("open", { code: "EMFILE" });
    expect([...next.replay()]).toEqual([]);
    expect(lines).toMatchObject([{ level: "error", fields: { id: entry.id } }]);
    disk.heal();
    expect(await ids(copy)).toEqual([entry.id]);
  });
});

describe("each call of the file system in turn", () => {
  const calls = [
    "mkdir",
    "open",
    "write",
    "read",
    "truncate",
    "close",
    "unlink",
    "rmdir",
    "rename",
    "readdir",
    "stat",
    "fstat",
    "kind",
  ] as const;

  it.each(calls.flatMap((call) => ["EIO", "ENOSPC"].map((code) => [call, code] as const)))(
    "%s failing with %s loses nothing and throws nothing but the library's errors",
    async (call, code) => {
      const { disk, journal, dir } = faultyJournal();
      const accepted: JournalEntry[] = [];
      const attempt = (): void => {
        try {
          accepted.push(accept(journal, "x".repeat(700_000)));
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^AR_JOURNAL_(FULL|UNAVAILABLE)$/) });
        }
      };
      for (let index = 0; index < 4; index++) attempt();
      disk.fail(call, { code });
      for (let index = 0; index < 20; index++) {
        attempt();
        const oldest = index % 3 === 0 ? accepted.shift() : undefined;
        if (oldest !== undefined) journal.ended(oldest, "succeeded");
        await Promise.resolve();
      }
      await Promise.resolve();
      await journal.takeOver().catch(() => {});
      disk.heal();
      attempt();
      await Promise.resolve();
      const found = await ids(dir);
      for (const { id } of accepted) expect(found).toContain(id);
      await journal.close();
    },
  );
});

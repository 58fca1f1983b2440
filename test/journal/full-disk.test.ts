// A disk that is full for real: a file system of 256 KiB in memory. Only root can mount one.
import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { JournalEntry } from "../../src/journal/log/segment.js";
import { startProgram } from "../support/process.js";
import { accept, afterKill, pendingIn, replayed, temporaryDirectory, testJournal } from "./journals.js";
import { bundled } from "./programs.js";

const mounts: string[] = [];

function mount(options: string): string | undefined {
  const directory = temporaryDirectory();
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `mode=700,${options}`, "tmpfs", directory]);
  if (mounted.status !== 0) return undefined;
  mounts.push(directory);
  return directory;
}

function unmountAll(): void {
  for (const directory of mounts.splice(0)) spawnSync("umount", ["-l", directory]);
}

/** Leaves not a block free. */
function fill(disk: string): void {
  const fd = openSync(path.join(disk, "ballast"), "a");
  try {
    for (;;) writeSync(fd, Buffer.alloc(4_096));
  } catch {
    closeSync(fd);
  }
}

const canMount = mount("size=64k") !== undefined;
unmountAll();
if (!canMount)
  console.error(
    "SKIPPED: the tests on a full disk need root and mount(8); the same faults are injected in faults.test.ts",
  );

describe.runIf(canMount)("a disk that is full", () => {
  afterEach(unmountAll);

  it("refuses at the call, loses nothing that was accepted, and takes tasks again when there is room", async () => {
    const disk = mount("size=256k") ?? "";
    const dir = path.join(disk, "journal");
    const { journal } = testJournal({ dir });
    writeFileSync(path.join(disk, "ballast"), Buffer.alloc(100_000));
    const accepted: JournalEntry[] = [];
    let refused = 0;
    while (refused < 20) {
      try {
        accepted.push(accept(journal, "x".repeat(997)));
      } catch (error) {
        expect(error).toMatchObject({ code: "AR_JOURNAL_FULL", statusCode: 503, headers: { "Retry-After": "30" } });
        refused++;
      }
    }
    expect(accepted.length).toBeGreaterThan(80);
    const ids = async (): Promise<string[]> =>
      (await replayed(testJournal({ dir: afterKill(dir) }).journal)).map(({ id }) => id);
    expect(await ids()).toEqual(accepted.map(({ id }) => id));

    // The end of a task finds no room either; it is written with the first task that does.
    const [ended] = accepted.splice(0, 1);
    if (ended !== undefined) journal.ended(ended, "succeeded");
    await Promise.resolve();
    rmSync(path.join(disk, "ballast"));
    accepted.push(accept(journal, "after"));
    expect(await ids()).toEqual(accepted.map(({ id }) => id));
    for (const entry of accepted) journal.ended(entry, "succeeded");
    await journal.close();
  });

  it("takes the ends of tasks and dead letters, and no new task, until there is room", async () => {
    const disk = mount("size=4m") ?? "";
    const dir = path.join(disk, "journal");
    const { journal, lines } = testJournal({ dir });
    const entries = Array.from({ length: 2_000 }, () => accept(journal, "x".repeat(400)));
    fill(disk);
    expect(() => accept(journal, "x".repeat(5_000))).toThrow(expect.objectContaining({ code: "AR_JOURNAL_FULL" }));
    const [dead, ...others] = entries;
    if (dead !== undefined) expect(journal.moveToDeadLetters(dead, "exhausted", new Error("no"))).toBe(true);
    for (const [index, entry] of others.entries()) if (index % 3 > 0) journal.ended(entry, "succeeded");
    await Promise.resolve();
    expect(lines).toEqual([]);
    const left = others.filter((_, index) => index % 3 === 0).map(({ id }) => id);
    expect((await pendingIn(dir)).map(({ id }) => id)).toEqual(left);
    expect(() => accept(journal)).toThrow(expect.objectContaining({ code: "AR_JOURNAL_FULL" }));
    rmSync(path.join(disk, "ballast"));
    const after = accept(journal);
    expect((await pendingIn(dir)).map(({ id }) => id)).toEqual([...left, after.id]);
  });

  it("keeps half of the reserve for the ends of tasks, however many dead letters there are", async () => {
    const disk = mount("size=16m") ?? "";
    const dir = path.join(disk, "journal");
    const { journal, lines } = testJournal({ dir });
    const entries = Array.from({ length: 100 }, () => accept(journal, "x".repeat(20_000)));
    fill(disk);
    const [last, ...others] = entries.reverse();
    const dead = others.filter((entry) => journal.moveToDeadLetters(entry, "exhausted", new Error("no")));
    expect(dead.length).toBeGreaterThan(5);
    expect(dead.length).toBeLessThan(others.length);
    expect(lines.length).toBe(others.length - dead.length);
    if (last !== undefined) journal.ended(last, "succeeded");
    await Promise.resolve();
    const isLeft = ({ id }: JournalEntry): boolean => !dead.some((entry) => entry.id === id);
    const left = others.filter(isLeft).map(({ id }) => id);
    expect((await pendingIn(dir)).map(({ id }) => id).sort()).toEqual(left.sort());
    rmSync(path.join(disk, "ballast"));
    journal.keepUp();
    expect(await journal.deadLetters.list()).toHaveLength(others.length);
  });

  it("is no hindrance to a start: the next process runs what is left, and its ends are recorded", async () => {
    const disk = mount("size=4m") ?? "";
    const dir = path.join(disk, "journal");
    const program = await startProgram(await bundled("take-over.ts"), {
      args: [dir, "dead"],
      execArgv: [],
      ready: /^tasks .* end$/m,
    });
    fill(disk);
    program.kill("SIGKILL");
    await program.exited;
    const { journal } = testJournal({ dir });
    const tasks = await replayed(journal);
    expect(tasks).toHaveLength(50);
    for (const { entry } of tasks.slice(1)) journal.ended(entry, "succeeded");
    await Promise.resolve();
    expect((await pendingIn(dir)).map(({ id }) => id)).toEqual(["dead-0"]);
  });

  it("at the start is refused by name", () => {
    const disk = mount("size=64k,nr_inodes=2") ?? "";
    mkdirSync(path.join(disk, "journal"), { mode: 0o700 });
    expect(() => testJournal({ dir: path.join(disk, "journal") })).toThrow(
      expect.objectContaining({ code: "AR_JOURNAL_FULL", message: expect.stringContaining(disk) }),
    );
  });

  it("that is read-only at the start is refused by name", () => {
    const disk = mount("size=64k") ?? "";
    spawnSync("mount", ["-o", "remount,ro", disk]);
    expect(() => testJournal({ dir: disk })).toThrow(
      expect.objectContaining({ code: "AR_JOURNAL_UNAVAILABLE", message: expect.stringMatching(`${disk}.*EROFS`) }),
    );
  });
});

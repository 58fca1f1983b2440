import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { silentLogger } from "../../src/base/logger.js";
import { openJournal } from "../../src/journal/journal.js";
import { FaultyFileSystem } from "./faulty-file-system.js";
import { accept, filesIn, pendingIn, temporaryDirectory, testJournal } from "./journals.js";
import { bundled } from "./programs.js";

const isRoot = process.geteuid?.() === 0;
const unavailable = (message: string | RegExp) =>
  expect.objectContaining({ code: "AR_JOURNAL_UNAVAILABLE", message: expect.stringMatching(message) });

describe("the directory of a journal", () => {
  it("is made with its parents, for its user alone, and so is every file in it", () => {
    const dir = path.join(temporaryDirectory(), "deep", "journal");
    const { journal } = testJournal({ dir });
    journal.moveToDeadLetters(accept(journal), "exhausted", new Error("x"));
    accept(journal);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    const modes = filesIn(dir, "").map((file) => {
      const status = statSync(file);
      return [
        status.isDirectory() ? "directory" : status.isSocket() ? "socket" : "file",
        (status.mode & 0o777).toString(8),
      ];
    });
    for (const [kind, mode] of modes) if (kind !== "socket") expect(mode).toBe(kind === "directory" ? "700" : "600");
    expect(modes.filter(([kind]) => kind === "file")).toHaveLength(3);
  });

  it("is refused by name when others can write to it", () => {
    const dir = temporaryDirectory();
    for (const mode of [0o770, 0o707, 0o777, 0o1777]) {
      chmodSync(dir, mode);
      expect(() => testJournal({ dir })).toThrow(
        unavailable(`others can write to ${dir} \\(mode 0${(mode & 0o777).toString(8)}\\)`),
      );
    }
    chmodSync(dir, 0o755);
    expect(testJournal({ dir }).journal.stats.pending).toBe(0);
  });

  it.runIf(isRoot)("is refused by name when it belongs to another user", () => {
    const dir = temporaryDirectory();
    chownSync(dir, 65_534, 65_534);
    expect(() => testJournal({ dir })).toThrow(
      unavailable(`${dir} belongs to user 65534, and this process runs as user 0`),
    );
  });

  it("is refused by name when it is a file", () => {
    const file = path.join(temporaryDirectory(), "file");
    writeFileSync(file, "");
    expect(() => testJournal({ dir: file })).toThrow(unavailable(file));
  });

  it.each(["EROFS", "EACCES", "ENOSPC"])("is refused by name when nothing can be made in it (%s)", (code) => {
    const disk = new FaultyFileSystem();
    const dir = temporaryDirectory();
    disk.fail("mkdir", { code, when: (file) => String(file).includes("starting-") });
    expect(() => testJournal({ dir, fs: disk.fs })).toThrow(
      expect.objectContaining({
        code: expect.stringMatching(/^AR_JOURNAL_/),
        message: expect.stringContaining(`${dir}/starting-`),
      }),
    );
  });

  it("is refused by name when it cannot be written to by the user of the process", async () => {
    const dir = temporaryDirectory();
    const program = await bundled("open.ts");
    const user = isRoot ? { uid: 65_534, gid: 65_534 } : {};
    if (isRoot) chownSync(dir, 65_534, 65_534);
    chmodSync(dir, 0o500);
    const opened = spawnSync(process.execPath, [program, dir], { encoding: "utf8", ...user });
    expect(opened.stdout).toMatch(/^AR_JOURNAL_UNAVAILABLE journal: cannot create .*: EACCES/);
    expect(opened.stdout).toContain(dir);
    chmodSync(dir, 0o700);
  });

  it("is refused on a file system that machines share, because its sockets mean nothing there", () => {
    const disk = new FaultyFileSystem();
    const fs = { ...disk.fs, kind: () => 0x6969 };
    expect(() => testJournal({ fs })).toThrow(unavailable("lies on NFS; the journal needs a disk of this machine"));
  });

  it("is used when the kind of its file system is not known", () => {
    const disk = new FaultyFileSystem();
    disk.fail("kind", { code: "ENOSYS" });
    expect(testJournal({ fs: disk.fs }).journal.stats.pending).toBe(0);
  });

  it("may be a link to a directory", async () => {
    const base = temporaryDirectory();
    mkdirSync(path.join(base, "real"), { mode: 0o700 });
    const dir = path.join(base, "link");
    symlinkSync(path.join(base, "real"), dir);
    const { journal } = testJournal({ dir });
    const entry = accept(journal);
    expect((await pendingIn(path.join(base, "real"))).map(({ id }) => id)).toEqual([entry.id]);
  });

  it("may be named relative to the working directory, which may change later", () => {
    const dir = temporaryDirectory();
    const { journal } = testJournal({ dir: path.relative(process.cwd(), dir) });
    accept(journal);
    expect(filesIn(dir, ".segment")).toHaveLength(1);
  });
});

describe("the options of a journal", () => {
  const open = (options: unknown) => () =>
    openJournal(options as Parameters<typeof openJournal>[0], { logger: silentLogger });

  it.each([
    [{}, "journal: expected dir to be the path of a directory, got undefined"],
    [{ dir: "" }, 'journal: expected dir to be the path of a directory, got ""'],
    [{ dir: "x", durability: "fsync" }, 'journal: expected durability to be one of "process", "disk", got "fsync"'],
    [
      { dir: "x", maxBytes: 1_000 },
      "journal: expected maxBytes to be an integer of 33554432 (32 MiB) or more, got 1000",
    ],
    [{ dir: "x", maxStarts: 0 }, "journal: expected maxStarts to be a positive integer, got 0"],
    [
      { dir: "x", directory: "y" },
      "journal: unknown option directory (known options: dir, durability, maxBytes, maxStarts)",
    ],
  ])("%j is refused by name", (options, message) => {
    expect(open(options)).toThrow(expect.objectContaining({ code: "AR_INVALID_OPTIONS", message }));
  });
});

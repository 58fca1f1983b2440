import { EventEmitter, once } from "node:events";
import { existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { nodeFileSystem } from "../../src/journal/files/file-system.js";
import { askToTakeOver, isOwned, ownerState } from "../../src/journal/takeover/ask-owner.js";
import { socketPath } from "../../src/journal/takeover/socket-path.js";
import { until } from "../support/until.js";
import { FaultyFileSystem } from "./faulty-file-system.js";
import { accept, afterKill, filesIn, pendingIn, replayed, temporaryDirectory, testJournal } from "./journals.js";

const owners = (dir: string): string[] =>
  readdirSync(dir)
    .filter((name) => name.startsWith("owner-"))
    .map((name) => path.join(dir, name));

describe("the directory of a process", () => {
  it("is owned while the journal is open, and not afterwards", async () => {
    const { journal, dir } = testJournal();
    accept(journal);
    const [directory = ""] = owners(dir);
    expect(await isOwned(nodeFileSystem, directory)).toBe(true);
    await journal.close();
    expect(await isOwned(nodeFileSystem, directory)).toBe(false);
  });

  it("is left alone by others while its owner lives, though these share the process", async () => {
    const first = testJournal();
    const entry = accept(first.journal);
    const second = testJournal({ dir: first.dir });
    expect(await second.journal.takeOver()).toEqual({ owners: 0, pending: 0, crashed: 0 });
    first.journal.ended(entry, "succeeded");
    expect(owners(first.dir)).toHaveLength(2);
  });

  it("is taken over by exactly one of many", async () => {
    const dead = testJournal();
    const ids = Array.from({ length: 20 }, () => accept(dead.journal).id);
    const dir = afterKill(dead.dir);
    const survivors = Array.from({ length: 8 }, () => testJournal({ dir }));
    const found = await Promise.all(survivors.map(({ journal }) => replayed(journal)));
    expect(found.filter((tasks) => tasks.length > 0)).toHaveLength(1);
    expect(found.flat().map(({ id }) => id)).toEqual(ids);
  });

  it("hands on what it had taken over itself, with the ends it recorded, however many die in turn", async () => {
    const first = testJournal();
    const ids = Array.from({ length: 10 }, () => accept(first.journal).id);
    let dir = afterKill(first.dir);
    for (let generation = 0; generation < 10; generation++) {
      const { journal } = testJournal({ dir });
      const tasks = await replayed(journal);
      expect(tasks.map(({ id }) => id)).toEqual(ids.slice(generation));
      const [done] = tasks;
      if (done !== undefined) journal.ended(done.entry, "succeeded");
      await Promise.resolve();
      dir = afterKill(dir);
      const deepest = Math.max(
        ...filesIn(dir, ".segment").map((file) => path.relative(dir, file).split(path.sep).length),
      );
      expect(deepest).toBeLessThanOrEqual(3);
    }
    expect(await pendingIn(dir)).toEqual([]);
  });

  it("counts as dead when its socket was not copied with it, as by a backup", async () => {
    const dead = testJournal();
    const entry = accept(dead.journal);
    const dir = afterKill(dead.dir);
    expect(filesIn(dir, ".sock")).toEqual([]);
    expect((await pendingIn(dir)).map(({ id }) => id)).toEqual([entry.id]);
  });

  it("is handed out to the end, or as far as somebody asks, and no descriptor stays open", async () => {
    const dead = testJournal();
    const ids = Array.from({ length: 5 }, () => accept(dead.journal).id);
    const disk = new FaultyFileSystem();
    const { journal, dir } = testJournal({ dir: afterKill(dead.dir), fs: disk.fs });
    await journal.takeOver();
    const first = journal.replay().next().value;
    const second = journal.replay().next().value;
    expect([first?.id, second?.id]).toEqual(ids.slice(0, 2));
    await journal.close();
    expect(disk.counts.get("close")).toBe(disk.counts.get("open"));
    expect((await pendingIn(dir)).map(({ id }) => id)).toEqual(ids);
  });

  it("is removed when all its tasks have ended", async () => {
    const dead = testJournal();
    accept(dead.journal);
    const dir = afterKill(dead.dir);
    const { journal } = testJournal({ dir });
    for (const { entry } of await replayed(journal)) journal.ended(entry, "succeeded");
    await journal.close();
    expect(readdirSync(dir).sort()).toEqual(["damaged", "dead-letters"]);
  });

  it("is removed when its process died before it had its name, but not while it may be about to get it", async () => {
    const { journal, dir } = testJournal();
    const fresh = path.join(dir, "starting-aaaaaaaaaaaa");
    const stale = path.join(dir, "starting-bbbbbbbbbbbb");
    mkdirSync(fresh);
    mkdirSync(stale);
    const anHourAgo = Date.now() / 1_000 - 3_600;
    utimesSync(stale, anHourAgo, anHourAgo);
    await journal.takeOver();
    expect([existsSync(fresh), existsSync(stale)]).toEqual([true, false]);
  });

  it("that holds files of somebody else is emptied of the journal's, and left", async () => {
    const dead = testJournal();
    accept(dead.journal);
    const dir = afterKill(dead.dir);
    const [owner = ""] = owners(dir);
    writeFileSync(path.join(owner, "note.txt"), "mine");
    const { journal } = testJournal({ dir });
    for (const { entry } of await replayed(journal)) journal.ended(entry, "succeeded");
    await journal.close();
    expect(filesIn(dir, ".segment")).toEqual([]);
    expect(filesIn(dir, "note.txt")).toHaveLength(1);
  });
});

describe("a socket that an outside hand removes", () => {
  const removeSocket = (dir: string): void => {
    for (const owner of owners(dir)) rmSync(path.join(owner, "owner.sock"));
  };

  it("is bound again by its owner, though that has nothing to do", async () => {
    const { dir, lines } = testJournal();
    removeSocket(dir);
    const [directory = ""] = owners(dir);
    await until(() => lines.length > 0, "the owner to notice");
    expect(lines).toMatchObject([{ level: "warn", message: expect.stringContaining("bound again") }]);
    expect(await isOwned(nodeFileSystem, directory)).toBe(true);
  });

  it("makes no other process take the directory, which starts meanwhile and waits for the owner", async () => {
    const owner = testJournal();
    const before = accept(owner.journal);
    const [directory = ""] = owners(owner.dir);
    removeSocket(owner.dir);
    const sibling = testJournal({ dir: owner.dir, unboundGrace: 3_000 });
    const found = replayed(sibling.journal);
    await Promise.race([until(() => !existsSync(directory), "the rename"), found]);
    const during = accept(owner.journal);
    expect(await found).toEqual([]);
    const after = accept(owner.journal);
    expect(owner.lines).toMatchObject([{ level: "warn", message: expect.stringContaining("bound again") }]);
    expect(await replayed(sibling.journal)).toEqual([]);
    expect((await pendingIn(owner.dir)).map(({ id }) => id)).toEqual([before.id, during.id, after.id]);
  });

  it("loses nothing when the owner notices too late: it goes on in another directory", async () => {
    let clock = 1_000_000;
    const owner = testJournal({ now: () => clock });
    const ids = [accept(owner.journal).id, accept(owner.journal).id];
    removeSocket(owner.dir);
    const sibling = testJournal({ dir: owner.dir });
    const taken = await replayed(sibling.journal);
    expect(taken.map(({ id }) => id)).toEqual(ids);
    clock += 1_001;
    ids.push(accept(owner.journal).id);
    // The sibling ends what it has and deletes the files; then both are killed.
    for (const { entry } of taken) sibling.journal.ended(entry, "succeeded");
    await sibling.journal.close();
    expect((await pendingIn(owner.dir)).map(({ id }) => id)).toEqual(ids.slice(2));
  });

  it("loses no task of a process that accepts all the time, while another process starts", async () => {
    const owner = testJournal();
    const sibling = testJournal({ dir: owner.dir, unboundGrace: 3_000 });
    const entries = [accept(owner.journal)];
    for (const directory of owners(owner.dir)) {
      if (filesIn(directory, ".segment").length > 0) rmSync(path.join(directory, "owner.sock"));
    }
    let waiting = true;
    const found = replayed(sibling.journal).finally(() => {
      waiting = false;
    });
    while (waiting) {
      entries.push(accept(owner.journal));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(await found).toEqual([]);
    expect((await pendingIn(owner.dir)).map(({ id }) => id)).toEqual(entries.map(({ id }) => id));
  });
});

describe("a journal that is closed with unfinished tasks", () => {
  it.each([
    ["a short path", () => path.join(temporaryDirectory(), "journal")],
    ["a long path", () => path.join(temporaryDirectory(), "d".repeat(120), "e".repeat(120))],
  ])("and has %s is taken over at once, because its socket is left behind", async (_what, place) => {
    const dir = place();
    const first = testJournal({ dir });
    const entry = accept(first.journal);
    await first.journal.close();
    expect(await ownerState(nodeFileSystem, owners(dir)[0] ?? "")).toBe("dead");
    const second = testJournal({ dir, unboundGrace: 600_000 });
    expect((await replayed(second.journal)).map(({ id }) => id)).toEqual([entry.id]);
  });
});

describe("a call on the socket of an owner", () => {
  it("makes it look for directories to take over", async () => {
    const calls = new EventEmitter();
    const { dir } = testJournal({ onAskedToTakeOver: () => calls.emit("asked") });
    const asked = once(calls, "asked");
    const [directory = ""] = owners(dir);
    expect(await askToTakeOver(nodeFileSystem, directory)).toBe(true);
    await asked;
  });

  it("with another message does nothing", async () => {
    let asked = 0;
    const { dir } = testJournal({ onAskedToTakeOver: () => asked++ });
    const socket = net.connect(path.join(owners(dir)[0] ?? "", "owner.sock"), () => socket.end("reboot\n"));
    socket.resume();
    await new Promise((resolve) => socket.once("close", resolve));
    expect(asked).toBe(0);
  });

  it("gets no answer from a dead one", async () => {
    const directory = temporaryDirectory();
    expect(await askToTakeOver(nodeFileSystem, directory)).toBe(false);
  });
});

describe("a directory whose path is longer than a socket's address", () => {
  const long = (): string => path.join(temporaryDirectory(), "d".repeat(120), "e".repeat(120));

  it("can hold a journal that others see to be owned", async () => {
    const { journal, dir } = testJournal({ dir: long() });
    const entry = accept(journal);
    const second = testJournal({ dir });
    expect(await replayed(second.journal)).toEqual([]);
    await journal.close();
    expect((await replayed(second.journal)).map(({ id }) => id)).toEqual([entry.id]);
  });

  it.each(["linux", "darwin"])("is reached by a path that fits, in the way of %s", async (platform) => {
    const directory = long();
    mkdirSync(directory, { recursive: true });
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith("ar-"));
    const listening = socketPath(nodeFileSystem, directory, "owner.sock", platform);
    expect(Buffer.byteLength(listening.path)).toBeLessThan(104);
    const server = net.createServer((socket) => socket.end("here")).listen({ path: listening.path, exclusive: true });
    await new Promise((resolve) => server.once("listening", resolve));
    expect(readdirSync(directory)).toEqual(["owner.sock"]);
    const asking = socketPath(nodeFileSystem, directory, "owner.sock", platform);
    const answer = await new Promise<string>((resolve, reject) => {
      net
        .connect(asking.path)
        .on("data", (data) => resolve(data.toString()))
        .on("error", reject);
    });
    expect(answer).toBe("here");
    asking.release();
    server.close();
    listening.release();
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith("ar-"))).toEqual(before);
  });

  it("is refused by name when the path cannot be made shorter", () => {
    const dir = long();
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const fs = {
      ...nodeFileSystem,
      open: (file: string, flags: number | "r", mode?: number): number => {
        if (file.includes("starting-")) throw Object.assign(new Error("no"), { code: "EMFILE" });
        return nodeFileSystem.open(file, flags, mode);
      },
    };
    expect(() => testJournal({ dir, fs })).toThrow(
      expect.objectContaining({
        code: "AR_JOURNAL_UNAVAILABLE",
        message: expect.stringContaining("shorten the path of the socket"),
      }),
    );
  });

  it("does not count as dead when its owner cannot be asked", async () => {
    const directory = long();
    mkdirSync(directory, { recursive: true });
    const fs = {
      ...nodeFileSystem,
      open: (): number => {
        throw Object.assign(new Error("no"), { code: "EMFILE" });
      },
    };
    await expect(isOwned(fs, directory)).rejects.toMatchObject({ code: "AR_JOURNAL_UNAVAILABLE" });
    rmSync(directory, { recursive: true });
  });
});

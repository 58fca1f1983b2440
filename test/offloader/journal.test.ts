// The journal through the offloader, in one process: what is on record, what a successor takes up, what becomes a dead letter.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import express from "express";
import type { JournalOptions } from "offload-after-response";
import { describe, expect, it } from "vitest";
import { nodeFileSystem } from "../../src/journal/files/file-system.js";
import { formatVersion, header } from "../../src/journal/format/format.js";
import { openJournal } from "../../src/journal/journal.js";
import { makeDirectory } from "../support/directory.js";
import { Gate } from "../support/gate.js";
import { listen } from "../support/http.js";
import { handedOver, rejection, thrownBy, type Watched, type WatchedOptions, watch } from "../support/offloader.js";
import { recordingLogger } from "../support/tasks.js";

/** An offloader with one thread, with a journal in `dir`. */
function journaled(dir: string, options: WatchedOptions & { gate?: Gate } = {}, journal: Partial<JournalOptions> = {}) {
  const { gate = new Gate(), pool, ...rest } = options;
  return watch("journal.mjs", {
    ...rest,
    pool: { maxThreads: 1, workerData: { gate: gate.memory }, abortGrace: 50, ...pool },
    journal: { dir, ...journal },
  });
}

/** An offloader whose thread is busy until the gate opens, so that what else is dispatched is unfinished. */
async function busy(dir: string, options: WatchedOptions = {}) {
  const gate = new Gate();
  const watched = journaled(dir, { ...options, gate });
  const blocker = watched.offloader.offload("blocked", "blocker");
  await gate.arrival();
  return { watched, gate, blocker };
}

/** Ends an offloader at once, as the deadline of a shutdown does. */
async function leave({ offloader }: Watched) {
  return offloader.close({ timeout: 0 });
}

/** Resolves when what is listened to has come so often. */
function times(count: number, listen: (listener: () => void) => void): Promise<void> {
  let left = count;
  return new Promise((resolve) => listen(() => void (--left === 0 && resolve())));
}

const taskIds = (watched: Watched, event: "accepted" | "started" | "succeeded"): (string | undefined)[] =>
  watched.recorded.filter((recorded) => recorded.event === event).map(({ id }) => id);

/** Everything in the directory, as text. */
function contents(dir: string): string {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  return files.map((file) => readFileSync(path.join(file.parentPath, file.name), "latin1")).join("");
}

describe("a task that is unfinished at the deadline", () => {
  it("is left to the next process, and not counted as abandoned", async () => {
    const dir = makeDirectory();
    const { watched, blocker } = await busy(dir);
    const waiting = watched.offloader.offload("echo", "waiting");
    const report = await leave(watched);
    expect(report).toMatchObject({ abandoned: [], journaled: 2, failed: 0 });

    const gate = new Gate();
    gate.open();
    const next = journaled(dir, { gate });
    await next.event("succeeded", ({ id }) => id === waiting.id);
    expect(taskIds(next, "succeeded")).toEqual([blocker.id, waiting.id]);
    expect(next.story(waiting.id)).toEqual(["accepted", "queued", "started", "succeeded"]);
    await leave(next);

    const third = journaled(dir);
    await third.offloader.ready();
    await third.offloader.idle();
    expect(taskIds(third, "accepted")).toEqual([]);
  });

  it.each([
    ["small", { row: 1 }],
    ["as bytes", { rows: [{ row: 1 }] }],
  ])("and was left by another task keeps that one's id: its payload is %s", async (_, payload) => {
    const dir = makeDirectory();
    const gate = new Gate();
    const first = journaled(dir, { gate });
    const parent = first.offloader.offload("leavesAndBlocks", payload);
    const { id } = await first.event("queued", (recorded) => recorded.task === "echo");
    await gate.arrival();
    expect(await leave(first)).toMatchObject({ abandoned: [], journaled: 2 });

    const opened = new Gate();
    opened.open();
    const next = journaled(dir, { gate: opened });
    const event = await next.event("succeeded", (recorded) => recorded.id === id);
    expect(event).toMatchObject({ task: "echo", parent: parent.id });
  });

  it("is waited for by idle(), as all others are, although ready() resolves before any of them is accepted", async () => {
    const dir = makeDirectory();
    const first = journaled(dir);
    first.offloader.pause();
    // More than are accepted in one turn of the event loop.
    for (let value = 0; value < 500; value++) first.offloader.offload("echo", value);
    await leave(first);

    const next = journaled(dir);
    await next.offloader.ready();
    expect(next.offloader.stats().unfinished).toBe(0);
    await next.offloader.idle();
    expect(next.offloader.stats()).toMatchObject({ unfinished: 0, succeeded: 500 });
  });

  it("keeps its id, its context, its attempts and its options", async () => {
    const dir = makeDirectory();
    const { watched } = await busy(dir, { context: () => ({ request: 7 }) });
    const payload = { attempts: [1], note: "a note" };
    const handle = watched.offloader.offload("failsOnAttempt", payload, { attempts: 2, backoff: 0 });
    const about = watched.offloader.offload("about", null);
    await leave(watched);

    const gate = new Gate();
    gate.open();
    const next = journaled(dir, { gate });
    await next.event("succeeded", ({ id }) => id === handle.id);
    expect(next.story(handle.id)).toEqual([
      "accepted",
      "queued",
      "started",
      "retrying",
      "queued",
      "started",
      "succeeded",
    ]);
    expect(next.recorded.find(({ id, event }) => id === about.id && event === "accepted")?.context).toEqual({
      request: 7,
    });
  });

  it("keeps its payload though an option is read by a getter that dispatches another", async () => {
    const dir = makeDirectory();
    const { watched } = await busy(dir);
    const backoff = {
      type: "constant" as const,
      get delay(): number {
        watched.offloader.offload("echo", "another");
        return 0;
      },
    };
    const { id } = watched.offloader.offload("echo", { of: "the outer call" }, { backoff });
    await leave(watched);
    expect(contents(dir)).toContain('[{"of":"the outer call"},{"backoff":{"type":"constant","delay":0}}]');

    const gate = new Gate();
    gate.open();
    const next = journaled(dir, { gate });
    await next.event("succeeded", (recorded) => recorded.id === id);
  });

  it("goes on with the attempt after those that it has had", async () => {
    const dir = makeDirectory();
    const first = journaled(dir);
    const handle = first.offloader.offload("failsOnAttempt", { attempts: [1] }, { attempts: 2, backoff: 60_000 });
    await first.event("retrying");
    expect(await leave(first)).toMatchObject({ journaled: 1 });

    const next = journaled(dir);
    const end = await next.event("succeeded", ({ id }) => id === handle.id);
    expect(end.attempt).toBe(2);
  });

  it("that was taken from a thread has that attempt yet, and is not counted as one whose process died", async () => {
    const dir = makeDirectory();
    const payload = "runs in four processes";
    let watched = journaled(dir, {}, { maxStarts: 1 });
    const { id } = watched.offloader.offload("spins", { really: true, payload });
    for (let process = 0; process < 3; process++) {
      expect(await watched.event("started", (recorded) => recorded.id === id)).toMatchObject({ attempt: 1 });
      expect(await leave(watched)).toMatchObject({ journaled: 1 });
      watched = journaled(dir, {}, { maxStarts: 1 });
    }
    await watched.event("started", (recorded) => recorded.id === id);
    expect(await watched.offloader.deadLetters.list()).toEqual([]);
  });
});

describe("a task that has ended", () => {
  it.each(["cancelled", "succeeded", "skipped"] as const)("as %s is not run again", async (end) => {
    const dir = makeDirectory();
    const watched = journaled(dir);
    if (end === "skipped") {
      const server = createServer((_req, res) => {
        watched.offloader.offloadAfterResponse(res, "echo", 1, { runIf: "ok" });
        res.writeHead(500).end();
      });
      await fetch(`http://127.0.0.1:${await listen(server)}`);
    } else {
      const handle = watched.offloader.offload("echo", 1);
      if (end === "cancelled") handle.cancel();
    }
    await watched.event(end);
    await leave(watched);

    const next = journaled(dir);
    await next.offloader.ready();
    await next.offloader.idle();
    expect(taskIds(next, "accepted")).toEqual([]);
  });

  it("by a listener that cancels it as it comes back is not run again", async () => {
    const dir = makeDirectory();
    const { watched } = await busy(dir);
    const handle = watched.offloader.offload("echo", 1, { key: "one" });
    await leave(watched);

    const gate = new Gate();
    gate.open();
    const next = journaled(dir, { gate });
    next.offloader.on("accepted", ({ id }) => {
      // The handle of whoever dispatches under its key is its own.
      if (id === handle.id) next.offloader.offload("echo", 2, { key: "one" }).cancel();
    });
    await next.event("cancelled", ({ id }) => id === handle.id);
    await next.offloader.idle();
    expect(await next.offloader.deadLetters.list()).toEqual([]);
    await leave(next);

    const third = journaled(dir);
    await third.offloader.ready();
    await third.offloader.idle();
    expect(taskIds(third, "accepted")).toEqual([]);
  });
});

describe("what is brought back", () => {
  it("comes in the order of acceptance, while no more than half of queue.max is unfinished, and leaves room", async () => {
    const dir = makeDirectory();
    const { watched } = await busy(dir, { queue: { max: 1_000 } });
    const handles = Array.from({ length: 60 }, (_, index) => watched.offloader.offload("echo", index));
    await leave(watched);

    const gate = new Gate();
    const next = journaled(dir, { queue: { max: 20 }, gate });
    let most = 0;
    for (const event of ["accepted", "queued", "started", "succeeded"] as const) {
      next.offloader.on(event, () => {
        most = Math.max(most, next.offloader.stats().unfinished);
      });
    }
    await next.events("accepted", 10);
    await gate.arrival();
    await handedOver();
    expect(taskIds(next, "accepted")).toHaveLength(10);
    // New work finds its place before all the rest has been brought back.
    const own = next.offloader.offload("echo", "new");
    gate.open();
    await next.event("succeeded", ({ id }) => id === handles.at(-1)?.id);
    const started = taskIds(next, "started");
    expect(started.filter((id) => id !== own.id).slice(1)).toEqual(handles.map(({ id }) => id));
    expect(started.indexOf(own.id)).toBeLessThan(12);
    expect(most).toBeLessThanOrEqual(11);
  });

  it("is never more than 20,000 at once, however large the room is, and comes in the end", async () => {
    const dir = makeDirectory();
    const { watched } = await busy(dir, { queue: { max: 1_000_000 } });
    for (let index = 0; index < 20_100; index++) watched.offloader.offload("echo", index);
    await leave(watched);

    const gate = new Gate();
    const next = journaled(dir, { queue: { max: 1_000_000 }, gate });
    const allThatFit = times(20_000, (listener) => next.offloader.on("accepted", listener));
    const all = times(20_101, (listener) => next.offloader.on("succeeded", listener));
    await allThatFit;
    await gate.arrival();
    await handedOver();
    expect(next.offloader.stats().unfinished).toBe(20_000);
    gate.open();
    await all;
    expect(next.offloader.stats().unfinished).toBe(0);
  });

  it("goes on while drain() waits, for the process goes on", async () => {
    const dir = makeDirectory();
    const { watched } = await busy(dir, { queue: { max: 1_000 } });
    const handles = Array.from({ length: 30 }, (_, index) => watched.offloader.offload("echo", index));
    await leave(watched);

    const gate = new Gate();
    gate.open();
    const next = journaled(dir, { queue: { max: 4 }, gate });
    await next.offloader.ready();
    expect(await next.offloader.drain()).toEqual({ drained: true, unfinished: [] });
    expect(next.ends(handles.at(-1)?.id ?? "")).toEqual(["succeeded"]);
  });

  it("stops with a shutdown: the rest is counted as journaled and waits for the next process", async () => {
    const dir = makeDirectory();
    const { watched } = await busy(dir, { queue: { max: 1_000 } });
    for (let index = 0; index < 30; index++) watched.offloader.offload("echo", index);
    await leave(watched);

    const gate = new Gate();
    const next = journaled(dir, { queue: { max: 4 }, gate });
    await gate.arrival();
    const closed = next.offloader.close();
    gate.open();
    expect(await closed).toMatchObject({ completed: 2, journaled: 29, abandoned: [] });

    const third = journaled(dir, { gate });
    await third.events("succeeded", 29);
  });

  it("is looked for once, and not again as more threads start", async () => {
    const dir = makeDirectory();
    // One of a newer version is told of whenever it is found.
    const newer = path.join(dir, "owner-ffffffffffff");
    mkdirSync(newer);
    writeFileSync(path.join(newer, "0000000001.segment"), header(formatVersion + 1));

    const gate = new Gate();
    const watched = journaled(dir, { gate, pool: { minThreads: 1, maxThreads: 2 } });
    await watched.offloader.ready();
    for (const name of ["one", "two"]) watched.offloader.offload("blocked", name);
    await watched.events("threadStarted", 2);
    gate.open();
    // It waits for whatever search is under way.
    await watched.offloader.close();
    expect(watched.lines.filter(({ message }) => message.includes("a newer version"))).toHaveLength(1);
  });

  it("may find no function of its name: it becomes a dead letter", async () => {
    const dir = makeDirectory();
    const { watched, blocker } = await busy(dir);
    await leave(watched);

    const next = watch("output.mjs", { journal: { dir }, pool: { maxThreads: 1 } });
    await next.line(/no function/);
    expect(await next.offloader.deadLetters.list()).toMatchObject([
      { id: blocker.id, task: "blocked", reason: "unknown-task" },
    ]);
    // And again when it is retried, which the call says.
    await next.offloader.ready();
    expect(thrownBy(() => next.offloader.deadLetters.retry(blocker.id)).code).toBe("AR_UNKNOWN_TASK");
    expect(await next.offloader.deadLetters.list()).toMatchObject([{ id: blocker.id, reason: "unknown-task" }]);
  });

  it("stays in the journal when this process cannot make sense of its options", async () => {
    const dir = makeDirectory();
    const { logger } = recordingLogger();
    const earlier = openJournal({ dir }, { logger });
    const dispatch = { priority: "of a later version" };
    earlier.accept({ id: "from-elsewhere", task: "echo", payload: 1, dispatch, context: undefined });
    await earlier.close();

    const watched = journaled(dir);
    const { fields } = await watched.line(/it stays there for the next process/);
    expect(fields).toMatchObject({ id: "from-elsewhere", err: { code: "AR_INVALID_OPTIONS" } });
    expect(await watched.offloader.deadLetters.list()).toEqual([]);
    expect(await watched.offloader.run("echo", "goes on")).toBe("goes on");
    await leave(watched);
    await journaled(dir).line(/it stays there for the next process/);
  });

  it("stays in the journal when the tasks module does not load", async () => {
    const dir = makeDirectory();
    const { watched, blocker } = await busy(dir);
    await leave(watched);

    const broken = watch(new URL("../fixtures/modules/throws.mjs", import.meta.url), { journal: { dir } });
    const lost = broken.offloader.offload("echo", "accepted before anybody knew");
    await rejection(broken.offloader.ready());
    expect(await rejection(lost.result())).toMatchObject({ code: "AR_TASKS_NOT_LOADABLE" });
    expect(await broken.offloader.deadLetters.list()).toEqual([]);
    // The other one is in a directory that this process never came to look for.
    expect(await leave(broken)).toMatchObject({ failed: 0, journaled: 1 });

    const gate = new Gate();
    gate.open();
    const next = journaled(dir, { gate });
    await next.events("succeeded", 2);
    expect(taskIds(next, "succeeded")).toEqual([blocker.id, lost.id]);
  });
});

describe("a task that is brought back", () => {
  it("is as old as it was in its first process", async () => {
    const dir = makeDirectory();
    const { logger } = recordingLogger();
    const anHourAgo = { fs: nodeFileSystem, now: () => Date.now() - 3_600_000 };
    const earlier = openJournal({ dir }, { logger }, anHourAgo);
    earlier.accept({ id: "old", task: "blocked", payload: 1, dispatch: undefined, context: undefined });
    await earlier.close();

    const gate = new Gate();
    const { offloader } = journaled(dir, { gate });
    offloader.offload("echo", "young");
    await gate.arrival();
    expect(offloader.stats().oldestMs).toBeGreaterThanOrEqual(3_600_000);
    expect(offloader.stats().oldestMs).toBeLessThan(3_700_000);
    gate.open();
    await offloader.idle();
    expect(offloader.stats().oldestMs).toBe(0);
  });
});

describe("a task that comes back when its key is taken", () => {
  /** Leaves tasks with one key to the next process, and starts that with two threads and a gate. */
  async function leftBehind(...earlier: { id: string; onDuplicate?: "skip" | "replace"; task?: string }[]) {
    const dir = makeDirectory();
    const { logger } = recordingLogger();
    const journal = openJournal({ dir }, { logger });
    for (const { id, onDuplicate, task = "blocked" } of earlier) {
      journal.accept({ id, task, payload: id, dispatch: { key: "k", onDuplicate }, context: undefined });
    }
    await journal.close();
    const gate = new Gate();
    const next = journaled(dir, { gate, pool: { minThreads: 2, maxThreads: 2 } });
    return { dir, gate, next };
  }

  async function expectNothingLeft(dir: string) {
    const last = journaled(dir);
    await last.offloader.ready();
    await last.offloader.idle();
    expect(taskIds(last, "accepted")).toEqual([]);
  }

  it("waits until that is free, and is never run beside the other", async () => {
    const { dir, gate, next } = await leftBehind({ id: "old" });
    // Before a thread is up, and so before the old one is known of.
    const own = next.offloader.offload("blocked", "new", { key: "k" });
    await next.event("queued", ({ id }) => id === "old");
    await gate.arrival();
    // A thread is free, and what has no such key runs on it.
    expect(await next.offloader.run("echo", 1)).toBe(1);
    expect([next.story("old"), own.state]).toEqual([["accepted", "queued"], "running"]);
    gate.open();
    await next.event("succeeded", ({ id }) => id === "old");
    expect(taskIds(next, "succeeded").filter((id) => id === own.id || id === "old")).toEqual([own.id, "old"]);
    await leave(next);
    await expectNothingLeft(dir);
  });

  it.each(["waits", "runs"])('is cancelled when a later dispatch with "replace" %s', async (state) => {
    const { dir, gate, next } = await leftBehind({ id: "old" });
    const before = state === "waits" ? ["one", "two"].map((name) => next.offloader.offload("blocked", name)) : [];
    const own = next.offloader.offload("blocked", "new", { key: "k", onDuplicate: "replace" });
    const { error } = await next.event("cancelled", ({ id }) => id === "old");
    expect(error).toMatchObject({ code: "AR_CANCELLED" });
    expect(String(error)).toContain("a later dispatch with the same key took its place");
    expect(next.story("old")).toEqual(["accepted", "cancelled"]);
    gate.open();
    expect(await own.result()).toBe("new");
    // They may end later; what runs when the process leaves is the next one's to run.
    await Promise.all(before.map((handle) => handle.result()));
    await leave(next);
    await expectNothingLeft(dir);
  });

  it("gives it to a later dispatch, and so do all that wait for it", async () => {
    const { gate, next } = await leftBehind({ id: "first" }, { id: "second" }, { id: "third" });
    await gate.arrival();
    await next.event("queued", ({ id }) => id === "third");
    const own = next.offloader.offload("blocked", "new", { key: "k", onDuplicate: "replace" });
    gate.open();
    expect(await own.result()).toBe("new");
    const ends = ["first", "second", "third"].map((id) => next.ends(id));
    expect(ends).toEqual([["succeeded"], ["cancelled"], ["cancelled"]]);
  });

  it('by another that came back waits for it; with "replace" it takes its place', async () => {
    const one = await leftBehind({ id: "first" }, { id: "second" });
    await one.gate.arrival();
    await one.next.event("queued", ({ id }) => id === "second");
    expect(await one.next.offloader.run("echo", 1)).toBe(1);
    expect(one.next.story("second")).toEqual(["accepted", "queued"]);
    one.gate.open();
    await one.next.event("succeeded", ({ id }) => id === "second");
    expect(taskIds(one.next, "succeeded").filter((id) => id === "first" || id === "second")).toEqual([
      "first",
      "second",
    ]);

    const other = await leftBehind({ id: "first" }, { id: "second", onDuplicate: "replace" });
    other.gate.open();
    await other.next.event("succeeded", ({ id }) => id === "second");
    expect(other.next.ends("first")).toEqual(["cancelled"]);
  });
});

describe("dead letters", () => {
  it("are tasks that have used up their attempts, or their time", async () => {
    const dir = makeDirectory();
    const watched = journaled(dir);
    const failed = watched.offloader.offload("fails", { message: "no such photo" }, { attempts: 2, backoff: 0 });
    await watched.event("failed", ({ id }) => id === failed.id);
    const late = watched.offloader.offload("spins", { really: true }, { timeout: 20 });
    await watched.event("failed", ({ id }) => id === late.id);
    const letters = await watched.offloader.deadLetters.list();
    expect(letters).toMatchObject([
      { id: failed.id, task: "fails", reason: "exhausted", attempts: 2, error: { message: "no such photo" } },
      { id: late.id, task: "spins", reason: "timeout", attempts: 1, error: { code: "AR_TIMEOUT" } },
    ]);
  });

  it("are run again under their old id, with all their attempts before them", async () => {
    const dir = makeDirectory();
    const first = journaled(dir);
    const { id } = first.offloader.offload("failsOnAttempt", { attempts: [1], note: "n" });
    await first.event("failed");
    const again = first.offloader.deadLetters.retry(id);
    expect(again?.id).toBe(id);
    expect(await rejection(again?.result())).toMatchObject({ message: "failed on attempt 1" });
    expect(await first.offloader.deadLetters.list()).toMatchObject([{ id, reason: "exhausted" }]);
    await leave(first);

    const next = watch("tasks.mjs", {
      journal: { dir },
      pool: { maxThreads: 1 },
      defaults: { attempts: 2, backoff: 0 },
    });
    expect(thrownBy(() => next.offloader.deadLetters.retry(id)).code).toBe("AR_JOURNAL_UNAVAILABLE");
    await next.offloader.ready();
    expect(await next.offloader.deadLetters.retry(id)?.result()).toEqual({ attempt: 2, id, note: "n" });
    expect(await next.offloader.deadLetters.list()).toEqual([]);
    expect(next.offloader.deadLetters.retry(id)).toBeUndefined();
  });

  it("are discarded one by one", async () => {
    const watched = journaled(makeDirectory());
    const { id } = watched.offloader.offload("fails", {});
    await watched.event("failed");
    expect(watched.offloader.deadLetters.discard(id)).toBe(true);
    expect(watched.offloader.deadLetters.discard(id)).toBe(false);
    expect(await watched.offloader.deadLetters.list()).toEqual([]);
  });

  it("are not taken out when the queue is full", async () => {
    const dir = makeDirectory();
    const gate = new Gate();
    const watched = journaled(dir, { gate, queue: { max: 1 } });
    const { id } = watched.offloader.offload("fails", {});
    await watched.event("failed");
    watched.offloader.offload("blocked", null);
    await gate.arrival();
    expect(thrownBy(() => watched.offloader.deadLetters.retry(id)).code).toBe("AR_QUEUE_FULL");
    expect(await watched.offloader.deadLetters.list()).toMatchObject([{ id }]);
    gate.open();
  });

  it("need a journal", async () => {
    const { offloader } = watch();
    expect(await rejection(offloader.deadLetters.list())).toMatchObject({ code: "AR_INVALID_OPTIONS" });
    expect(thrownBy(() => offloader.deadLetters.retry("x")).code).toBe("AR_INVALID_OPTIONS");
    expect(thrownBy(() => offloader.deadLetters.discard("x")).code).toBe("AR_INVALID_OPTIONS");
  });
});

describe("handle.durable", () => {
  it.each(["process", "disk"] as const)('resolves with durability "%s"', async (durability) => {
    const watched = journaled(makeDirectory(), {}, { durability });
    const handle = watched.offloader.offload("echo", 1);
    await expect(handle.durable).resolves.toBeUndefined();
  });

  it("rejects without a journal, and for a callback", async () => {
    const { offloader } = watch();
    expect(await rejection(offloader.offload("echo", 1).durable)).toMatchObject({ code: "AR_INVALID_OPTIONS" });
    const watched = journaled(makeDirectory());
    let durable: Promise<void> | undefined;
    const server = createServer((_req, res) => {
      durable = watched.offloader.runAfterResponse(res, () => {}).durable;
      durable.catch(() => {});
      res.end();
    });
    await fetch(`http://127.0.0.1:${await listen(server)}`);
    expect(await rejection(durable)).toMatchObject({ code: "AR_INVALID_ARGUMENT" });
  });
});

describe("what a journal cannot hold", () => {
  it("is refused at the call, and nothing is moved", async () => {
    const dir = makeDirectory();
    const { offloader } = journaled(dir);
    const shared = { memory: new Int32Array(new SharedArrayBuffer(8)) };
    const refusal = thrownBy(() => offloader.offload("echo", shared));
    expect(refusal).toMatchObject({ code: "AR_PAYLOAD_NOT_CLONEABLE" });
    expect(refusal.message).toMatch(/^payload\.memory is a .*SharedArrayBuffer, which a journal cannot hold/);
    const buffer = new Uint8Array([1, 2, 3]).buffer;
    expect(() => offloader.offload("echo", { ...shared, buffer }, { transfer: [buffer] })).toThrow("SharedArrayBuffer");
    expect(buffer.byteLength).toBe(3);
    expect(offloader.stats().unfinished).toBe(0);
  });

  it("does not stay on record when its buffers turn out not to be movable", async () => {
    const dir = makeDirectory();
    const first = journaled(dir);
    const buffer = new Uint8Array([1, 2, 3]).buffer;
    expect(() => first.offloader.offload("sumOf", buffer, { transfer: [buffer, buffer] })).toThrow("transfer");
    expect(buffer.byteLength).toBe(3);
    await leave(first);
    const next = journaled(dir);
    await next.offloader.ready();
    await next.offloader.idle();
    expect(taskIds(next, "accepted")).toEqual([]);
  });

  it("is not a buffer that moves: it is there in the next process", async () => {
    const dir = makeDirectory();
    const { watched } = await busy(dir);
    const buffer = new Uint8Array([1, 2, 3]).buffer;
    const handle = watched.offloader.offload("sumOf", buffer, { transfer: [buffer] });
    expect(buffer.byteLength).toBe(0);
    await leave(watched);
    const gate = new Gate();
    gate.open();
    const next = journaled(dir, { gate });
    await next.event("succeeded", ({ id }) => id === handle.id);
  });
});

describe("a full journal", () => {
  it("refuses at the call, Express answers 503, and what was accepted stays", { timeout: 60_000 }, async () => {
    const dir = makeDirectory();
    const gate = new Gate();
    const watched = journaled(dir, { gate }, { maxBytes: 32 * 1024 * 1024 });
    const accepted: string[] = [watched.offloader.offload("blocked", null).id];
    await gate.arrival();
    const payload = "x".repeat(1_000_000);
    const app = express();
    app.post("/", (_req, res) => {
      accepted.push(watched.offloader.offloadAfterResponse(res, "echo", payload).id);
      res.sendStatus(202);
    });
    const url = `http://127.0.0.1:${await listen(createServer(app))}`;
    let answer = await fetch(url, { method: "POST" });
    while (answer.status === 202 && accepted.length < 40) answer = await fetch(url, { method: "POST" });
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("30");
    expect(await answer.text()).toContain("journal");
    const buffer = new Uint8Array(1_000_000).buffer;
    expect(thrownBy(() => watched.offloader.offload("sumOf", buffer, { transfer: [buffer] })).code).toBe(
      "AR_JOURNAL_FULL",
    );
    expect(buffer.byteLength).toBe(1_000_000);
    expect(accepted.length).toBeGreaterThan(10);
    expect(await leave(watched)).toMatchObject({ journaled: accepted.length });

    gate.open();
    const next = journaled(dir, { gate });
    const ended = await next.events("succeeded", accepted.length);
    expect(ended.map(({ id }) => id)).toEqual(accepted);
  });
});

describe("two offloaders on one directory", () => {
  it("leave each other's tasks alone, and share the dead letters", async () => {
    const dir = makeDirectory();
    const { watched, blocker, gate } = await busy(dir);
    const other = journaled(dir);
    await other.offloader.ready();
    await other.offloader.idle();
    expect(taskIds(other, "accepted")).toEqual([]);
    const { id } = watched.offloader.offload("fails", {});
    gate.open();
    await watched.event("failed");
    expect(await blocker.result()).toBe("blocker");
    expect(await other.offloader.deadLetters.list()).toMatchObject([{ id }]);
    expect(other.offloader.deadLetters.discard(id)).toBe(true);
    expect(await watched.offloader.deadLetters.list()).toEqual([]);
  });

  it("hand over: what the one leaves at its deadline is run by the other, which had looked before", async () => {
    const dir = makeDirectory();
    const { watched } = await busy(dir);
    const waiting = watched.offloader.offload("echo", "left behind");
    const gate = new Gate();
    gate.open();
    const other = journaled(dir, { gate });
    await other.offloader.ready();
    await leave(watched);
    expect(await other.event("succeeded", ({ id }) => id === waiting.id)).toMatchObject({ task: "echo" });
  });
});

it("no payload is in the log or in an error, and it leaves the disk with its directory", async () => {
  const dir = makeDirectory();
  const { watched } = await busy(dir);
  watched.offloader.offload("fails", { message: "as told", secret: "a-secret-word" });
  expect(contents(dir)).toContain("a-secret-word");
  await leave(watched);
  const gate = new Gate();
  gate.open();
  const next = journaled(dir, { gate });
  await next.event("failed");
  const [letter] = await next.offloader.deadLetters.list();
  expect(JSON.stringify([watched.lines, next.lines, letter?.error])).not.toContain("a-secret-word");
  expect(next.offloader.deadLetters.discard(letter?.id ?? "")).toBe(true);
  await leave(next);
  expect(contents(dir)).not.toContain("a-secret-word");
});

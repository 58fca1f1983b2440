// The events of an offloader: which come, in which order, with which fields, and what a listener cannot break.
import { describe, expect, it } from "vitest";
import { Gate } from "../support/gate.js";
import { rejection, type Told, watch } from "../support/offloader.js";

const options = { pool: { maxThreads: 1 } };

describe("the events of a task", () => {
  it("tell its story, each with what is known by then", async () => {
    const watched = watch("tasks.mjs", options);
    const handle = watched.offloader.offload("add", { a: 1, b: 2 });
    await handle.result();
    const [accepted, queued, started, succeeded] = watched.told.filter(({ id }) => id === handle.id);
    const common = { id: handle.id, task: "add", context: undefined };
    expect(accepted).toEqual({ event: "accepted", ...common, attempt: 0, state: "held" });
    expect(queued).toEqual({ event: "queued", ...common, attempt: 0, state: "queued" });
    expect(started).toEqual({
      event: "started",
      ...common,
      attempt: 1,
      state: "running",
      waitMs: expect.any(Number),
    });
    expect(succeeded).toEqual({
      event: "succeeded",
      ...common,
      attempt: 1,
      state: "succeeded",
      waitMs: expect.any(Number),
      runMs: expect.any(Number),
    });
  });

  it("say how long it waited and ran", async () => {
    const watched = watch("tasks.mjs", options);
    const gate = new Gate();
    const first = watched.offloader.offload("blocked", { gate: gate.cells });
    const second = watched.offloader.offload("echo", 1);
    await gate.arrival();
    const from = performance.now();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    const blockedFor = performance.now() - from;
    gate.open();
    await Promise.all([first.result(), second.result()]);
    const ofFirst = await watched.event("succeeded", ({ id }) => id === first.id);
    const ofSecond = await watched.event("succeeded", ({ id }) => id === second.id);
    expect(ofFirst.runMs).toBeGreaterThanOrEqual(blockedFor - 1);
    expect(ofSecond.waitMs).toBeGreaterThanOrEqual(blockedFor - 1);
    expect(ofSecond.runMs).toBeLessThan(ofFirst.runMs ?? 0);
  });

  it("are told before the promise of the result settles", async () => {
    const watched = watch("tasks.mjs", options);
    const result = watched.offloader.run("echo", 1).then(() => watched.told.at(-1)?.event);
    expect(await result).toBe("succeeded");
  });

  it("end with exactly one final event, whatever becomes of it", async () => {
    const watched = watch("tasks.mjs", options);
    const handles = ["echo", "fails", "exits", "nothing"].map((task) => watched.offloader.offload(task, {}));
    handles[3]?.cancel();
    await watched.offloader.idle();
    expect(handles.map(({ id }) => watched.ends(id))).toEqual([["succeeded"], ["failed"], ["failed"], ["cancelled"]]);
  });
});

describe("a listener", () => {
  it("that throws or rejects is logged and changes nothing", async () => {
    const watched = watch("tasks.mjs", options);
    const later: Told[] = [];
    for (const event of ["accepted", "queued", "started", "succeeded", "threadStarted"] as const) {
      watched.offloader.on(event, () => {
        throw new Error(`broken ${event}`);
      });
      watched.offloader.on(event, async () => {
        throw new Error(`rejected ${event}`);
      });
      watched.offloader.on(event, (told) => void later.push({ event, ...told }));
    }
    expect(await watched.offloader.run("echo", 1)).toBe(1);
    expect(later.map(({ event }) => event).sort()).toEqual([
      "accepted",
      "queued",
      "started",
      "succeeded",
      "threadStarted",
    ]);
    const lines = watched.lines.filter(({ message }) => message === "a listener failed");
    for (const how of ["broken", "rejected"]) {
      expect(lines.map(({ fields }) => (fields.err as Error).message)).toContain(`${how} succeeded`);
    }
  });

  it("can be taken off again", async () => {
    const { offloader } = watch("tasks.mjs", options);
    let heard = 0;
    const off = offloader.on("succeeded", () => void heard++);
    await offloader.run("echo", 1);
    off();
    off();
    await offloader.run("echo", 2);
    expect(heard).toBe(1);
  });

  it("may dispatch and cancel", async () => {
    const watched = watch("tasks.mjs", options);
    const gate = new Gate();
    const other = watched.offloader.offload("waiting", { gate: gate.cells });
    const off = watched.offloader.on("started", ({ id }) => {
      if (id !== other.id) return;
      off();
      watched.offloader.offload("echo", "from a listener");
      other.cancel("from a listener");
    });
    await watched.event("succeeded", ({ task }) => task === "echo");
    expect((await rejection(other.result())).message).toContain("from a listener");
    gate.open();
  });
});

describe("a failure", () => {
  it("is logged with its task when nobody listens to failed, and only then", async () => {
    const watched = watch("tasks.mjs", options);
    await rejection(watched.offloader.run("fails", {}));
    expect(watched.lines).toEqual([]);

    const unheard = watch("tasks.mjs", options);
    unheard.deaf("failed");
    const handle = unheard.offloader.offload("fails", { message: "unheard" });
    await rejection(handle.result());
    const { level, fields } = await unheard.line(/task failed/);
    expect(level).toBe("error");
    expect(fields).toMatchObject({ task: "fails", id: handle.id, attempt: 1, err: { message: "unheard" } });
  });

  it("disturbs nobody when the logger throws, too", async () => {
    const watched = watch("tasks.mjs", options);
    watched.deaf("failed");
    watched.breakLogger();
    await rejection(watched.offloader.run("fails", {}));
    expect(await watched.offloader.run("echo", 1)).toBe(1);
  });
});

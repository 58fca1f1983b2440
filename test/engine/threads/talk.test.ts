// What tasks say besides their results: progress and log lines, bounded, and errors that belong to nobody.
import { describe, expect, it } from "vitest";
import { Gate } from "../../support/gate.js";
import { type Watched, watch } from "../../support/offloader.js";
import { blockUntil, until } from "../../support/until.js";

const started = (options = {}): Watched => watch("talks.mjs", { pool: { maxThreads: 1 }, ...options });

/** How many lines and values were dropped, as the log says. */
function dropped(watched: Watched): number {
  const lines = watched.lines.filter(({ message }) => message.includes("were dropped"));
  return lines.reduce((sum, { fields }) => sum + Number(fields.dropped), 0);
}

describe("task.progress()", () => {
  it("reaches the listeners in its order, with the task's id, before the task's end", async () => {
    const watched = started({ context: () => ({ requestId: "r1" }) });
    const handle = watched.offloader.offload("reports", { values: [1, "two", { three: [3] }] });
    await handle.result();
    await watched.events("progress", 3);
    const recorded = watched.recorded.filter(({ event }) => event === "progress");
    expect(recorded.map(({ value }) => value)).toEqual([1, "two", { three: [3] }]);
    for (const { id, task, attempt, state, context } of recorded) {
      expect({ id, task, attempt, state, context }).toEqual({
        id: handle.id,
        task: "reports",
        attempt: 1,
        state: "running",
        context: { requestId: "r1" },
      });
    }
    expect(watched.story(handle.id).slice(-2)).toEqual(["progress", "succeeded"]);
  });

  it("throws in the task when the value cannot be copied", async () => {
    const watched = started();
    const handle = watched.offloader.offload("reportsFunction");
    await watched.offloader.idle();
    expect(await watched.event("failed", ({ id }) => id === handle.id)).toMatchObject({
      error: { code: "AR_PAYLOAD_NOT_CLONEABLE", message: expect.stringContaining("progress is a function") },
    });
  });

  it("after the task's end is nobody's progress", async () => {
    const watched = started();
    const gate = new Gate();
    const handle = watched.offloader.offload("reportsLate", { gate: gate.memory });
    await handle.result();
    gate.open();
    await watched.line(/^late$/);
    expect(watched.story(handle.id)).not.toContain("progress");
  });
});

describe("task.log", () => {
  it("reaches the logger with level, message, fields and the task it comes from", async () => {
    const watched = started({ context: () => "r1" });
    const lines = [
      ["debug", "looking", { at: 1 }],
      ["info", "found"],
      ["warn", "odd", { how: ["very"] }],
      ["error", "bad"],
    ];
    const handle = watched.offloader.offload("logs", { lines });
    await watched.line(/^bad$/);
    const { threadId } = await watched.event("threadStarted");
    const task = { kind: "task", task: "logs", id: handle.id, attempt: 1, context: "r1" };
    const whose = { offloader: "offloader", thread: threadId, ...task };
    expect(watched.lines.map(({ level, message, fields }) => [level, message, fields])).toEqual([
      ["debug", "looking", { at: 1, ...whose }],
      ["info", "found", whose],
      ["warn", "odd", { how: ["very"], ...whose }],
      ["error", "bad", whose],
    ]);
  });

  it("takes any fields: they arrive as a result would, and what cannot be copied in words", async () => {
    const watched = started();
    await watched.offloader.run("logsAnything");
    const { fields } = await watched.line(/^anything$/);
    expect(fields.error).toBeInstanceOf(RangeError);
    expect(fields.error).toMatchObject({ name: "RangeError", message: "logged", code: "E_LOGGED" });
    expect(fields.fn).toMatch(/Function: fn/);
    expect(fields.symbol).toBe("Symbol(mark)");
    expect(fields.circular).toMatchObject({ name: "circular", self: { name: "circular" } });
    expect(fields.bytes).toEqual(new Uint8Array([1]));
    expect(fields.url).toEqual(new URL("https://example.com/a"));
    expect(Buffer.isBuffer(fields.buffer)).toBe(true);
  });

  it("takes an error in the place of the fields as the field err, with all that it has", async () => {
    const watched = started();
    await watched.offloader.run("logsError");
    const { level, fields } = await watched.line(/^failed$/);
    expect(level).toBe("error");
    expect(fields.err).toBeInstanceOf(RangeError);
    expect(fields.err).toMatchObject({ message: "logged", code: "E_LOGGED", cause: { message: "why" } });
  });

  it("lets no field make the task fail or lose the line", async () => {
    const watched = started();
    expect(await watched.offloader.run("logsHostile")).toBe("went on");
    await watched.line(/^unlistable$/);
    const { fields } = await watched.line(/^hostile$/);
    expect(fields).toMatchObject({
      mine: { count: 1 },
      broken: expect.stringContaining("not to be read"),
      cruel: "a value that cannot be shown",
    });
  });

  it("of a task that writes 100,000 lines floods nobody, and what is dropped is counted", async () => {
    const watched = started();
    await watched.offloader.run("floods", { lines: 100_000 });
    const { level, fields } = await watched.line(/were dropped/);
    expect(level).toBe("warn");
    const kept = watched.lines.filter(({ message }) => /^line \d+$/.test(message));
    await until(() => kept.length + dropped(watched) === 100_000, "the count of all that were dropped");
    expect(watched.offloader.snapshot().remarksDropped).toBe(dropped(watched));
    expect(fields.thread).toBeGreaterThan(0);
    // Those that came through are in their order.
    const numbers = kept.map(({ message }) => Number(message.slice(5)));
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  });

  it("that was dropped is told of although its task says nothing more", async () => {
    const watched = started();
    await watched.offloader.run("floods", { lines: 5_000 });
    expect((await watched.line(/were dropped/)).level).toBe("warn");
  });

  it("keeps a small number of lines under way while the main thread is busy", async () => {
    const watched = started();
    await watched.offloader.ready();
    const gate = new Gate();
    const flood = watched.offloader.offload("floods", { lines: 10_000, values: 10_000, gate: gate.memory });
    await watched.event("started");
    await Promise.resolve();
    blockUntil(() => gate.arrived === 1);
    // Nothing has been heard yet; what is under way now is all that there will be.
    gate.open();
    await flood.result();
    await watched.line(/were dropped/);
    const kept = watched.lines.filter(({ message }) => /^line \d+$/.test(message)).length;
    const values = watched.recorded.filter(({ event }) => event === "progress").length;
    expect(kept + values).toBeLessThanOrEqual(300);
    expect(kept).toBeGreaterThan(0);
  });
});

describe("an error in a thread that no task waits for", () => {
  it("is logged, and fails neither the task that left it behind nor the one that runs then", async () => {
    const watched = started({ pool: { maxThreads: 1, concurrentTasksPerThread: 2 } });
    const gate = new Gate();
    const beside = watched.offloader.offload("waits", { gate: gate.memory });
    const guilty = watched.offloader.offload("rejectsAside", { message: "nobody waits for me", gate: gate.memory });
    await gate.arrival(2);
    const { level, fields } = await watched.line(/unhandled error in a thread/);
    expect(level).toBe("error");
    expect(fields.err).toMatchObject({ message: "nobody waits for me", code: "E_ASIDE" });
    expect(fields).not.toHaveProperty("task");
    gate.open();
    await guilty.result();
    expect(await beside.result()).toBe("done");
    expect(watched.recorded.filter(({ event }) => event === "failed" || event === "threadEnded")).toEqual([]);
  });

  it("that comes after its task's end is reported under no other task's name", async () => {
    const watched = started();
    const [first, second] = [new Gate(), new Gate()];
    await watched.offloader.run("throwsLater", { message: "too late", gate: first.memory });
    const next = watched.offloader.offload("waits", { gate: second.memory });
    await second.arrival();
    first.open();
    const { fields } = await watched.line(/unhandled error in a thread/);
    expect(fields.err).toMatchObject({ message: "too late" });
    expect(Object.keys(fields).sort()).toEqual(["err", "offloader", "thread"]);
    second.open();
    expect(await next.result()).toBe("done");
    expect(watched.recorded.filter(({ event }) => event === "failed" || event === "threadEnded")).toEqual([]);
  });

  it("in great number floods nobody", async () => {
    const watched = started();
    await watched.offloader.ready();
    const gate = new Gate();
    watched.offloader.offload("rejectsOften", { times: 5_000, gate: gate.memory });
    await watched.event("started");
    await Promise.resolve();
    blockUntil(() => gate.arrived === 1);
    gate.open();
    // The end of the next task carries the count of those that were dropped.
    await watched.offloader.run("reports", { values: [] });
    const strays = watched.lines.filter(({ message }) => message.startsWith("an unhandled error")).length;
    expect(strays).toBeGreaterThan(0);
    expect(strays).toBeLessThan(1_000);
    expect(strays + dropped(watched)).toBe(5_000);
  });
});

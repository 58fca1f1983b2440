// stats(): a picture of the offloader at this moment.
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { Gate } from "../support/gate.js";
import { watch } from "../support/offloader.js";

const options = { pool: { maxThreads: 1 } };

describe("stats()", () => {
  it("counts a callback that has the name of a task with it, so that the sums agree", async () => {
    const { offloader } = watch("tasks.mjs", options);
    await offloader.run("echo", 1);
    const response = new ServerResponse(new IncomingMessage(new Socket()));
    offloader.runAfterResponse(response, function echo() {});
    response.emit("close");
    await offloader.idle();
    const { succeeded, tasks } = offloader.stats();
    expect(tasks.echo?.succeeded).toBe(2);
    expect(succeeded).toBe(2);
  });

  it("counts by state, and by task name", async () => {
    const watched = watch("tasks.mjs", { ...options, queue: { max: 50 } });
    const { offloader } = watched;
    const gate = new Gate();
    await offloader.run("echo", 1);
    await offloader.run("fails", {}).catch(() => {});
    offloader.offload("fails", {}, { attempts: 2, backoff: 100_000 });
    await watched.event("retrying");
    offloader.offload("waiting", { gate: gate.memory });
    await gate.arrival();
    offloader.offload("echo", 2).cancel();
    offloader.offload("echo", 3);
    offloader.offloadAfterResponse(new ServerResponse(new IncomingMessage(new Socket())), "echo", 4);

    const stats = offloader.stats();
    expect(stats).toMatchObject({
      held: 1,
      queued: 1,
      running: 1,
      delayed: 1,
      succeeded: 1,
      failed: 1,
      cancelled: 1,
      skipped: 0,
      abandoned: 0,
      unfinished: 4,
      max: 50,
      threads: { total: 1, idle: 0, busy: 1, stuck: 0 },
    });
    expect(stats.tasks.echo).toMatchObject({ held: 1, queued: 1, running: 0, succeeded: 1, cancelled: 1 });
    expect(stats.tasks.fails).toMatchObject({ delayed: 1, failed: 1 });
    expect(stats.tasks.waiting).toMatchObject({ running: 1 });
    gate.open();
  });

  it("adds up over the names at any moment, and counts down to nothing unfinished", async () => {
    const watched = watch("tasks.mjs", { pool: { maxThreads: 2 } });
    const sums: [number, number][] = [];
    for (const event of ["queued", "started", "succeeded", "failed", "cancelled", "retrying"] as const) {
      watched.offloader.on(event, () => {
        const { tasks, held, queued, running, delayed, unfinished } = watched.offloader.stats();
        const byName = Object.values(tasks).reduce(
          (sum, one) => sum + one.held + one.queued + one.running + one.delayed,
          0,
        );
        sums.push([held + queued + running + delayed, unfinished], [byName, unfinished]);
      });
    }
    for (let i = 0; i < 50; i++) {
      const handle = watched.offloader.offload(
        ["echo", "fails", "exits"][i % 3] ?? "",
        {},
        { attempts: 2, backoff: 0 },
      );
      if (i % 5 === 0) handle.cancel();
    }
    await watched.offloader.idle();
    expect(sums.length).toBeGreaterThan(100);
    for (const [sum, unfinished] of sums) expect(sum).toBe(unfinished);
    expect(watched.offloader.stats()).toMatchObject({ unfinished: 0, held: 0, queued: 0, running: 0, delayed: 0 });
    const { succeeded, failed, cancelled } = watched.offloader.stats();
    expect(succeeded + failed + cancelled).toBe(50);
  });

  it("knows wait and run times, by name and over all", async () => {
    const watched = watch("tasks.mjs", options);
    const { offloader } = watched;
    const gate = new Gate();
    const blocked = offloader.run("blocked", { gate: gate.memory });
    const waiting = offloader.run("echo", 1);
    await gate.arrival();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30);
    gate.open();
    await Promise.all([blocked, waiting]);
    const { tasks, runMs, waitMs } = offloader.stats();
    expect(tasks.blocked?.runMs.max).toBeGreaterThanOrEqual(29);
    expect(tasks.echo?.waitMs.p50).toBeGreaterThanOrEqual(29 * 0.9);
    expect(tasks.echo?.runMs.max).toBeLessThan(tasks.blocked?.runMs.max ?? 0);
    expect(runMs.max).toBe(tasks.blocked?.runMs.max);
    expect(waitMs.max).toBeGreaterThanOrEqual(tasks.echo?.waitMs.max ?? Number.POSITIVE_INFINITY);
    for (const { p50, p95, p99, max } of [runMs, waitMs]) {
      expect([p50, p95, p99, max]).toEqual([p50, p95, p99, max].toSorted((a, b) => a - b));
    }
  });

  it("knows the age of the oldest unfinished task", async () => {
    const { offloader } = watch("tasks.mjs", options);
    expect(offloader.stats().oldestMs).toBe(0);
    const gate = new Gate();
    const oldest = offloader.run("blocked", { gate: gate.memory });
    await gate.arrival();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30);
    const younger = offloader.offload("echo", 1);
    expect(offloader.stats().oldestMs).toBeGreaterThanOrEqual(29);
    gate.open();
    await Promise.all([oldest, younger.result()]);
    expect(offloader.stats().oldestMs).toBe(0);
  });

  it("costs little with 10,000 tasks queued: the counts are kept, not counted", async () => {
    const { offloader } = watch("tasks.mjs", { ...options, queue: { max: 20_000 } });
    const gate = new Gate();
    offloader.offload("blocked", { gate: gate.memory });
    await gate.arrival();
    const took = (): number => {
      const from = performance.now();
      for (let i = 0; i < 100; i++) offloader.stats();
      return performance.now() - from;
    };
    for (let i = 0; i < 5; i++) took();
    const few = Math.min(took(), took(), took());
    for (let i = 0; i < 10_000; i++) offloader.offload("echo", i);
    const many = Math.min(took(), took(), took());
    // In proportion to the queue it would be 10,000 times as much.
    expect(many).toBeLessThan(few * 20 + 20);
    gate.open();
    await offloader.idle();
    expect(offloader.stats().succeeded).toBe(10_001);
  });
});

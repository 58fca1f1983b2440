// Who is next: the order of the calls, priorities, and how many of a name run at a time.
import { describe, expect, it } from "vitest";
import { Gate } from "../support/gate.js";
import { type Watched, watch } from "../support/offloader.js";

/** An offloader with one busy thread: what is dispatched waits until the gate opens. */
async function busy(options: Parameters<typeof watch>[1] = {}): Promise<{ watched: Watched; gate: Gate }> {
  const watched = watch("tasks.mjs", { pool: { maxThreads: 1 }, ...options });
  const gate = new Gate();
  watched.offloader.offload("blocked", { gate: gate.memory });
  await gate.arrival();
  return { watched, gate };
}

/** The ids of the tasks in the order in which they were started. */
function starts(watched: Watched, task = "echo"): (string | undefined)[] {
  return watched.recorded
    .filter((recorded) => recorded.event === "started" && recorded.task === task)
    .map(({ id }) => id);
}

describe("with one thread", () => {
  it("tasks of one lane start in the order of their calls", async () => {
    const { watched, gate } = await busy();
    const ids = Array.from({ length: 1_000 }, (_, index) => watched.offloader.offload("echo", index).id);
    gate.open();
    await watched.offloader.idle();
    expect(starts(watched)).toEqual(ids);
    const ends = watched.recorded.filter(({ event, task }) => event === "succeeded" && task === "echo");
    expect(ends.map(({ id }) => id)).toEqual(ids);
  });

  it("tasks run one after the other, also those that wait", async () => {
    const watched = watch("tasks.mjs", { pool: { maxThreads: 1 } });
    const gates = [new Gate(), new Gate()] as const;
    const first = watched.offloader.offload("waiting", { gate: gates[0].memory });
    const second = watched.offloader.offload("waiting", { gate: gates[1].memory });
    await gates[0].arrival();
    expect(second.state).toBe("queued");
    expect(gates[1].arrived).toBe(0);
    for (const gate of gates) gate.open();
    await Promise.all([first.result(), second.result()]);
  });
});

describe("priority", () => {
  it("high goes before normal, normal before low", async () => {
    const { watched, gate } = await busy();
    const ids = { low: "", normal: "", high: "" };
    for (const priority of ["low", "normal", "high"] as const) {
      ids[priority] = watched.offloader.offload("echo", priority, { priority }).id;
    }
    gate.open();
    await watched.offloader.idle();
    expect(starts(watched)).toEqual([ids.high, ids.normal, ids.low]);
  });

  it("low does not wait for ever while high keeps coming", async () => {
    const { watched, gate } = await busy();
    const low = watched.offloader.offload("echo", "low", { priority: "low" });
    for (let i = 0; i < 1_000; i++) watched.offloader.offload("echo", i, { priority: "high" });
    gate.open();
    await watched.offloader.idle();
    const turn = starts(watched).indexOf(low.id);
    expect(turn).toBeGreaterThan(0);
    expect(turn).toBeLessThan(300);
  });

  it("comes from the policy of the task unless the call has its own", async () => {
    const { watched, gate } = await busy({ policies: { echo: { priority: "low" } } });
    const byPolicy = watched.offloader.offload("echo", 1).id;
    const byCall = watched.offloader.offload("echo", 2, { priority: "high" }).id;
    gate.open();
    await watched.offloader.idle();
    expect(starts(watched)).toEqual([byCall, byPolicy]);
  });
});

describe("the concurrency of a task", () => {
  it("is not exceeded over all threads, and keeps no thread from other tasks", async () => {
    const watched = watch("tasks.mjs", {
      pool: { minThreads: 2, maxThreads: 2 },
      policies: { waiting: { concurrency: 1 } },
    });
    await watched.offloader.ready();
    const gate = new Gate();
    const limited = [1, 2, 3].map((value) => watched.offloader.offload("waiting", { gate: gate.memory, value }));
    await gate.arrival();
    expect(await watched.offloader.run("echo", "beside")).toBe("beside");
    expect(limited.map(({ state }) => state)).toEqual(["running", "queued", "queued"]);
    expect(gate.arrived).toBe(1);
    gate.open();
    expect(await Promise.all(limited.map((handle) => handle.result()))).toEqual([1, 2, 3]);
    let running = 0;
    for (const { event, task } of watched.recorded) {
      if (task !== "waiting") continue;
      if (event === "started") running++;
      if (event === "succeeded") running--;
      expect(running).toBeLessThanOrEqual(1);
    }
  });

  it("is given on by a task that is cancelled, fails, or loses its thread", async () => {
    const watched = watch("tasks.mjs", {
      pool: { maxThreads: 1 },
      policies: { exits: { concurrency: 1 }, fails: { concurrency: 1 } },
    });
    for (const task of ["exits", "fails"]) {
      const handles = [1, 2, 3].map(() => watched.offloader.offload(task, {}));
      handles[1]?.cancel();
      await watched.offloader.idle();
      expect(handles.map(({ state }) => state)).toEqual(["failed", "cancelled", "failed"]);
    }
  });

  it("counts a task that waits for its next attempt as not running", async () => {
    const watched = watch("tasks.mjs", { pool: { maxThreads: 1 }, policies: { fails: { concurrency: 1 } } });
    const delayed = watched.offloader.offload("fails", {}, { attempts: 2, backoff: 100_000 });
    await watched.event("retrying");
    await watched.offloader.run("fails", {}).catch(() => {});
    expect(delayed.state).toBe("delayed");
    delayed.cancel();
  });
});

describe("concurrentTasksPerThread", () => {
  it("lets tasks that wait run together on one thread, so many at the most", async () => {
    const watched = watch("tasks.mjs", { pool: { maxThreads: 1, concurrentTasksPerThread: 3 } });
    const gate = new Gate();
    const handles = [1, 2, 3, 4, 5].map((value) => watched.offloader.offload("waiting", { gate: gate.memory, value }));
    await gate.arrival(3);
    expect(handles.map(({ state }) => state)).toEqual(["running", "running", "running", "queued", "queued"]);
    gate.open();
    expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual([1, 2, 3, 4, 5]);
    expect(watched.offloader.stats().threads.total).toBe(1);
  });
});

// The timeout of a task: first its signal, then, after a grace, its thread.
import { describe, expect, it } from "vitest";
import { Gate } from "../support/gate.js";
import { rejection, watch } from "../support/offloader.js";

const patient = { pool: { maxThreads: 1, abortGrace: 20_000 } };
const strict = { pool: { maxThreads: 1, abortGrace: 50 } };

describe("a task that runs longer than its timeout", () => {
  for (const task of ["listens", "looks", "throwsIfAborted"]) {
    it(`is recorded so and ends in its own way, and its thread lives (${task})`, async () => {
      const watched = watch("stopping.mjs", patient);
      const gate = new Gate();
      const handle = watched.offloader.offload(task, { gate: gate.memory }, { timeout: 50 });
      const error = await rejection(handle.result());
      expect(error).toMatchObject({ code: "AR_TIMEOUT" });
      expect(error.message).toBe(`task ${task} (${handle.id}) ran longer than its timeout of 50 ms`);
      await watched.offloader.run("nothing");
      expect(watched.recorded.filter(({ event }) => event === "threadEnded")).toEqual([]);
    });
  }

  it("has the timeout as the reason of its signal", async () => {
    const watched = watch("stopping.mjs", patient);
    const gate = new Gate();
    watched.offloader.offload("witnesses", { gate: gate.memory }, { timeout: 50 });
    expect((await watched.event("progress")).value).toMatchObject({ aborted: true, code: "AR_TIMEOUT" });
  });

  for (const task of ["deaf", "deafAndBlocking"]) {
    it(`loses its thread when it does not stop, and nobody else suffers (${task})`, async () => {
      const watched = watch("stopping.mjs", strict);
      const gate = new Gate();
      const handle = watched.offloader.offload(task, { gate: gate.memory }, { timeout: 50 });
      const others = Array.from({ length: 10 }, () => watched.offloader.offload("nothing"));
      expect(await rejection(handle.result())).toMatchObject({ code: "AR_TIMEOUT" });
      await Promise.all(others.map((other) => other.result()));
      await watched.event("threadEnded");
      expect(watched.ends(handle.id)).toEqual(["failed"]);
    });
  }

  it("in a batch of tiny ones, loses its thread and leaves its siblings to succeed", async () => {
    const watched = watch("tasks.mjs", strict);
    await watched.expectTiny("tiny");
    const gate = new Gate();
    const handles = [0, 1, 2, 3, 4].map((index) => {
      return watched.offloader.offload("tiny", index === 2 ? { blockedBy: gate.memory } : {}, { timeout: 50 });
    });
    await watched.offloader.idle();
    expect(handles.map(({ state }) => state)).toEqual(["succeeded", "succeeded", "failed", "succeeded", "succeeded"]);
    expect(await rejection(handles[2]?.result())).toMatchObject({ code: "AR_TIMEOUT" });
    for (const { id } of handles) expect(watched.ends(id)).toHaveLength(1);
  });

  it("is tried again, with its whole timeout each time", async () => {
    const watched = watch("stopping.mjs", patient);
    const gate = new Gate();
    const handle = watched.offloader.offload(
      "listens",
      { gate: gate.memory },
      { timeout: 50, attempts: 3, backoff: 0 },
    );
    expect(await rejection(handle.result())).toMatchObject({ code: "AR_TIMEOUT" });
    expect(gate.arrived).toBe(3);
    expect((await watched.event("failed")).attempt).toBe(3);
  });

  it("can succeed on its next attempt", async () => {
    const watched = watch("stopping.mjs", patient);
    const gate = new Gate();
    const handle = watched.offloader.offload(
      "listens",
      { gate: gate.memory },
      { timeout: 200, attempts: 9, backoff: 0 },
    );
    await watched.event("retrying");
    gate.open();
    expect(await handle.result()).toBeGreaterThan(1);
  });
});

describe("the timeout of a task", () => {
  it("does not run while the task waits for a thread", async () => {
    const watched = watch("stopping.mjs", { pool: { maxThreads: 1, abortGrace: 50 } });
    const gate = new Gate();
    const first = watched.offloader.offload("deafAndBlocking", { gate: gate.memory });
    const second = watched.offloader.offload("nothing", undefined, { timeout: 1 });
    await gate.arrival();
    // A third one, of another offloader, has run into the same timeout meanwhile.
    const other = watch("stopping.mjs", patient);
    await rejection(other.offloader.run("looks", { gate: new Gate().memory }, { timeout: 20 }));
    gate.open();
    await first.result();
    await second.result();
    expect(watched.ends(second.id)).toEqual(["succeeded"]);
  });

  it("comes from the policy of the task, or from the defaults, unless the call has its own", async () => {
    const { offloader } = watch("stopping.mjs", {
      ...patient,
      defaults: { timeout: 40 },
      policies: { looks: { timeout: 30 } },
    });
    const gate = new Gate();
    const payload = { gate: gate.memory };
    expect((await rejection(offloader.run("throwsIfAborted", payload))).message).toContain("timeout of 40 ms");
    expect((await rejection(offloader.run("looks", payload))).message).toContain("timeout of 30 ms");
    expect((await rejection(offloader.run("looks", payload, { timeout: 20 }))).message).toContain("timeout of 20 ms");
  });

  it("of 0 is none", async () => {
    const { offloader } = watch("stopping.mjs", { ...strict, defaults: { timeout: 20 } });
    const gate = new Gate();
    const unlimited = offloader.offload("deaf", { gate: gate.memory }, { timeout: 0 });
    await gate.arrival();
    const other = watch("stopping.mjs", patient);
    await rejection(other.offloader.run("looks", { gate: new Gate().memory }, { timeout: 60 }));
    gate.open();
    expect(await unlimited.result()).toBe("heard nothing");
  });
});

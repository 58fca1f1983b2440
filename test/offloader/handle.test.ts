// The handle that a dispatch returns.
import { describe, expect, it } from "vitest";
import { Gate } from "../support/gate.js";
import { rejection, watch } from "../support/offloader.js";

describe("a handle", () => {
  it("follows its task through its states", async () => {
    const watched = watch("tasks.mjs", { pool: { maxThreads: 1 } });
    const gate = new Gate();
    const handle = watched.offloader.offload("waiting", { gate: gate.memory, value: 1 });
    expect(handle).toMatchObject({ task: "waiting", state: "queued", id: expect.stringMatching(/^[0-9a-f]{16}-/) });
    await gate.arrival();
    expect(handle.state).toBe("running");
    gate.open();
    expect(await handle.result()).toBe(1);
    expect(handle.state).toBe("succeeded");
  });

  it("has the id that the task sees, and that its events have", async () => {
    const watched = watch("tasks.mjs", { pool: { maxThreads: 1 } });
    const handle = watched.offloader.offload("about");
    expect(await handle.result()).toMatchObject({ id: handle.id });
    expect(watched.recorded.filter(({ id }) => id === handle.id).map(({ event }) => event)).toContain("accepted");
  });

  it("gives the same promise whenever it is asked for the result", async () => {
    const { offloader } = watch("tasks.mjs", { pool: { maxThreads: 1 } });
    const handle = offloader.offload("echo", 1);
    const first = handle.result();
    expect(handle.result()).toBe(first);
    await first;
    expect(handle.result()).toBe(first);
  });

  it("rejects with how the task ended, also when it is asked only then", async () => {
    const watched = watch("tasks.mjs", { pool: { maxThreads: 1 } });
    const failed = watched.offloader.offload("fails", { message: "told later" });
    const cancelled = watched.offloader.offload("echo", 1);
    cancelled.cancel(new Error("why"));
    await watched.offloader.idle();
    expect(await rejection(failed.result())).toMatchObject({ message: "told later" });
    expect(await rejection(cancelled.result())).toMatchObject({ code: "AR_CANCELLED", cause: { message: "why" } });
  });
});

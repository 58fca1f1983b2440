// Results: who is told, when, and what happens to large ones.
import { describe, expect, it } from "vitest";
import { Gate } from "../support/gate.js";
import { rejection, watch } from "../support/offloader.js";

const options = { pool: { maxThreads: 1 } };
const large = { bytes: 1_000_000 };

describe("a small result", () => {
  it("is there whenever it is asked for", async () => {
    const watched = watch("tasks.mjs", options);
    const handle = watched.offloader.offload("echo", { text: "small" });
    await watched.offloader.idle();
    expect(await handle.result()).toEqual({ text: "small" });
    expect(await handle.result()).toEqual({ text: "small" });
  });

  it("is what the task returned, not what it made of it later", async () => {
    const watched = watch("tasks.mjs", options);
    expect(await watched.offloader.run("returnsAndChanges")).toEqual({ value: "as returned" });
  });

  it("is undefined where the task returns nothing", async () => {
    const { offloader } = watch("tasks.mjs", options);
    expect(await offloader.run("nothing")).toBeUndefined();
    expect(await offloader.run("echo", null)).toBeNull();
  });
});

describe("a large result", () => {
  it("arrives when it is asked for at once", async () => {
    const { offloader } = watch("tasks.mjs", options);
    expect(await offloader.offload("tiny", large).result()).toHaveProperty("length", large.bytes);
    expect(await offloader.run("tiny", large)).toHaveProperty("length", large.bytes);
  });

  it("arrives when it is asked for while the task runs", async () => {
    const { offloader } = watch("tasks.mjs", options);
    const gate = new Gate();
    const handle = offloader.offload("tiny", { ...large, waitsFor: gate.memory });
    await gate.arrival();
    const result = handle.result();
    gate.open();
    expect(await result).toHaveProperty("length", large.bytes);
  });

  it("arrives when it is asked for while the task waits for its next attempt", async () => {
    const watched = watch("tasks.mjs", options);
    const note = new Uint8Array(large.bytes);
    const handle = watched.offloader.offload("failsOnAttempt", { attempts: [1], note }, { attempts: 2, backoff: 20 });
    await watched.event("retrying");
    expect(await handle.result()).toHaveProperty("note.length", large.bytes);
  });

  it("is not kept when nobody has asked for it before the end, and says so", async () => {
    const watched = watch("tasks.mjs", options);
    const handle = watched.offloader.offload("tiny", large);
    await watched.offloader.idle();
    expect(handle.state).toBe("succeeded");
    const error = await rejection(handle.result());
    expect(error).toMatchObject({ code: "AR_RESULT_NOT_KEPT" });
    expect(error.message).toContain(`task tiny (${handle.id}) succeeded, but its result was large`);
  });
});

describe("a failure that nobody looks at", () => {
  it("is no unhandledRejection, with its result asked for or not", async () => {
    const unhandled: unknown[] = [];
    const listen = (error: unknown) => unhandled.push(error);
    process.on("unhandledRejection", listen);
    const watched = watch("tasks.mjs", options);
    watched.offloader.offload("fails", {});
    watched.offloader.offload("fails", {}).result();
    void watched.offloader.run("exits");
    await watched.offloader.idle();
    // Rejections are looked through after the microtasks of a turn.
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", listen);
    expect(unhandled).toEqual([]);
  });
});

// cancel() and the signal of a call, in every state that a task can be in.

import { getEventListeners } from "node:events";
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { Gate } from "../support/gate.js";
import { handedOver, rejection, watch } from "../support/offloader.js";

const options = { pool: { maxThreads: 1, abortGrace: 100 } };

describe("a task that is cancelled", () => {
  it("before its thread has begun it makes room for the next of its name", async () => {
    const watched = watch("tasks.mjs", { ...options, policies: { turn: { concurrency: 1 } } });
    const { offloader } = watched;
    const gate = new Gate();
    // Short, so that one of them is sent to the busy thread ahead of time.
    for (const task of ["tiny", "turn"]) await watched.expectTiny(task);
    offloader.offload("tiny", { blockedBy: gate.memory });
    await gate.arrival();
    const [first, second] = [offloader.offload("turn"), offloader.offload("turn")];
    await handedOver();
    expect([first.state, second.state]).toEqual(["running", "queued"]);
    expect(first.cancel()).toBe(true);
    expect(first.state).toBe("cancelled");
    gate.open();
    await second.result();
    expect(watched.story(first.id)).toEqual(["accepted", "queued", "started", "cancelled"]);
  });

  it("while it is held, never starts, and the end of its response changes nothing", async () => {
    const watched = watch("stopping.mjs", options);
    const response = new ServerResponse(new IncomingMessage(new Socket()));
    const handle = watched.offloader.offloadAfterResponse(response, "nothing");
    expect(handle.state).toBe("held");
    expect(handle.cancel()).toBe(true);
    expect(handle.state).toBe("cancelled");
    response.emit("close");
    await watched.offloader.idle();
    expect(watched.story(handle.id)).toEqual(["accepted", "cancelled"]);
  });

  it("while it is queued, never starts", async () => {
    const watched = watch("stopping.mjs", options);
    const gate = new Gate();
    const running = watched.offloader.offload("deafAndBlocking", { gate: gate.memory });
    await gate.arrival();
    const queued = watched.offloader.offload("nothing");
    const behind = watched.offloader.offload("nothing");
    expect(queued.cancel("not needed")).toBe(true);
    expect(queued.state).toBe("cancelled");
    gate.open();
    await Promise.all([running.result(), behind.result()]);
    expect(watched.story(queued.id)).toEqual(["accepted", "queued", "cancelled"]);
    expect(await rejection(queued.result())).toMatchObject({
      code: "AR_CANCELLED",
      message: `task nothing (${queued.id}) was cancelled: not needed`,
      cause: "not needed",
    });
  });

  it("while it waits for its next attempt, has none", async () => {
    const watched = watch("tasks.mjs", options);
    const handle = watched.offloader.offload("fails", {}, { attempts: 2, backoff: 100_000 });
    await watched.event("retrying");
    expect(handle.state).toBe("delayed");
    expect(handle.cancel()).toBe(true);
    await watched.offloader.idle();
    expect(watched.story(handle.id)).toEqual(["accepted", "queued", "started", "retrying", "cancelled"]);
  });

  it("once it has ended, stays as it is", async () => {
    const watched = watch("tasks.mjs", options);
    const handle = watched.offloader.offload("echo", 1);
    await handle.result();
    expect(handle.cancel()).toBe(false);
    expect(handle.state).toBe("succeeded");
    expect(await handle.result()).toBe(1);
  });

  it("twice, is cancelled once", async () => {
    const watched = watch("stopping.mjs", options);
    const gate = new Gate();
    const handle = watched.offloader.offload("listens", { gate: gate.memory });
    await gate.arrival();
    expect(handle.cancel("first")).toBe(true);
    handle.cancel("second");
    expect((await rejection(handle.result())).message).toContain("first");
    expect(handle.cancel("third")).toBe(false);
    expect(watched.ends(handle.id)).toEqual(["cancelled"]);
  });

  it("has no further attempt", async () => {
    const watched = watch("stopping.mjs", options);
    const gate = new Gate();
    const handle = watched.offloader.offload("listens", { gate: gate.memory }, { attempts: 5, backoff: 0 });
    await gate.arrival();
    handle.cancel();
    await watched.offloader.idle();
    expect(watched.story(handle.id)).toEqual(["accepted", "queued", "started", "cancelled"]);
  });
});

describe("a task that is cancelled when another attempt was to follow", () => {
  it("has none, while it is being ended for running too long", async () => {
    const watched = watch("stopping.mjs", { pool: { maxThreads: 1, abortGrace: 60_000 } });
    const gate = new Gate();
    const handle = watched.offloader.offload("goesOn", { gate: gate.memory }, { timeout: 20, attempts: 3, backoff: 0 });
    await watched.event("progress");
    expect(handle.cancel("not needed")).toBe(true);
    gate.open();
    expect(await rejection(handle.result())).toMatchObject({ code: "AR_CANCELLED", cause: "not needed" });
    expect(watched.story(handle.id)).toEqual(["accepted", "queued", "started", "progress", "cancelled"]);
  });

  it("is told to have run too long, when none was to follow", async () => {
    const watched = watch("stopping.mjs", { pool: { maxThreads: 1, abortGrace: 60_000 } });
    const gate = new Gate();
    const handle = watched.offloader.offload("goesOn", { gate: gate.memory }, { timeout: 20 });
    await watched.event("progress");
    expect(handle.cancel()).toBe(false);
    gate.open();
    expect(await rejection(handle.result())).toMatchObject({ code: "AR_TIMEOUT" });
  });

  it("has none, when it has failed and that has not been heard", async () => {
    const watched = watch("tasks.mjs", options);
    await watched.offloader.run("nothing");
    const handle = watched.offloader.offload("fails", {}, { attempts: 2, backoff: 0 });
    await Promise.resolve();
    await Promise.resolve();
    expect(handle.state).toBe("running");
    // Blocks this thread until the other one has long ended the task.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    expect(handle.cancel()).toBe(true);
    expect(await rejection(handle.result())).toMatchObject({ code: "AR_CANCELLED" });
    expect(watched.story(handle.id)).toEqual(["accepted", "queued", "started", "cancelled"]);
  });
});

describe("a running task that is cancelled", () => {
  for (const task of ["listens", "looks", "throwsIfAborted"]) {
    it(`ends in its own way, and its thread lives (${task})`, async () => {
      const watched = watch("stopping.mjs", { pool: { maxThreads: 1, abortGrace: 20_000 } });
      const gate = new Gate();
      const handle = watched.offloader.offload(task, { gate: gate.memory });
      await gate.arrival();
      expect(handle.cancel(new Error("the user left"))).toBe(true);
      const error = await rejection(handle.result());
      expect(error).toMatchObject({ code: "AR_CANCELLED", cause: { message: "the user left" } });
      expect(handle.state).toBe("cancelled");
      await watched.offloader.run("nothing");
      expect(watched.recorded.filter(({ event }) => event === "threadEnded")).toEqual([]);
    });
  }

  it("sees its abort on signal and aborted, with the reason", async () => {
    const watched = watch("stopping.mjs", options);
    const gate = new Gate();
    const handle = watched.offloader.offload("witnesses", { gate: gate.memory });
    await gate.arrival();
    handle.cancel("enough");
    expect((await watched.event("progress")).value).toEqual({
      before: { aborted: false, signal: false },
      aborted: true,
      name: "OffloadError",
      message: `task witnesses (${handle.id}) was cancelled: enough`,
      code: "AR_CANCELLED",
      same: true,
    });
  });

  it("finds its signal aborted although it asks for it only then", async () => {
    const watched = watch("stopping.mjs", options);
    const gate = new Gate();
    const handle = watched.offloader.offload("looksLate", { gate: gate.memory });
    await gate.arrival();
    handle.cancel();
    expect((await watched.event("progress")).value).toEqual({ aborted: true });
  });

  for (const task of ["deaf", "deafAndBlocking"]) {
    it(`loses its thread when it does not stop within pool.abortGrace (${task})`, async () => {
      const watched = watch("stopping.mjs", options);
      const gate = new Gate();
      const handle = watched.offloader.offload(task, { gate: gate.memory });
      const behind = watched.offloader.offload("nothing");
      await gate.arrival();
      handle.cancel();
      expect(await rejection(handle.result())).toMatchObject({ code: "AR_CANCELLED" });
      expect(await watched.event("threadEnded")).toMatchObject({
        cause: "killed",
        reason: "a task did not stop within pool.abortGrace",
      });
      await behind.result();
      expect(watched.ends(handle.id)).toEqual(["cancelled"]);
    });
  }

  it("is told to have been cancelled although it returned after all", async () => {
    const watched = watch("stopping.mjs", { pool: { maxThreads: 1, abortGrace: 20_000 } });
    const gate = new Gate();
    const handle = watched.offloader.offload("deaf", { gate: gate.memory });
    await gate.arrival();
    handle.cancel();
    gate.open();
    expect(await rejection(handle.result())).toMatchObject({ code: "AR_CANCELLED" });
  });

  it("leaves those that run beside it on its thread to be run again when its thread is taken", async () => {
    const watched = watch("stopping.mjs", { pool: { maxThreads: 1, concurrentTasksPerThread: 2, abortGrace: 100 } });
    const [gate, other] = [new Gate(), new Gate()];
    const handle = watched.offloader.offload("deaf", { gate: gate.memory });
    const beside = watched.offloader.offload("listens", { gate: other.memory });
    await Promise.all([gate.arrival(), other.arrival()]);
    handle.cancel();
    await watched.event("threadEnded");
    other.open();
    // It is not to blame, so the run that was cut short is no attempt of its own.
    expect(await beside.result()).toBe(1);
    expect(await rejection(handle.result())).toMatchObject({ code: "AR_CANCELLED" });
  });
});

describe("the signal of a call", () => {
  it("cancels the task, with its reason", async () => {
    const watched = watch("stopping.mjs", options);
    const controller = new AbortController();
    const gate = new Gate();
    const handle = watched.offloader.offload("listens", { gate: gate.memory }, { signal: controller.signal });
    await gate.arrival();
    controller.abort(new Error("client gone"));
    expect(await rejection(handle.result())).toMatchObject({ code: "AR_CANCELLED", cause: { message: "client gone" } });
  });

  it("that is aborted already cancels the task at the call", async () => {
    const watched = watch("stopping.mjs", options);
    const handle = watched.offloader.offload("nothing", undefined, { signal: AbortSignal.abort("too late") });
    expect(handle.state).toBe("cancelled");
    expect(await rejection(handle.result())).toMatchObject({ code: "AR_CANCELLED", cause: "too late" });
    expect(watched.story(handle.id)).toEqual(["accepted", "cancelled"]);
  });

  it("keeps no listener of a task that has ended, however it ended", async () => {
    const watched = watch("tasks.mjs", options);
    const { signal } = new AbortController();
    const handles = [
      watched.offloader.offload("echo", 1, { signal }),
      watched.offloader.offload("fails", {}, { signal }),
      watched.offloader.offload("echo", 2, { signal }),
    ];
    // However many share it: Node warns of a leak from the eleventh listener on.
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    handles[2]?.cancel();
    await watched.offloader.idle();
    expect(handles.map(({ state }) => state)).toEqual(["succeeded", "failed", "cancelled"]);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("that aborts after the end changes nothing", async () => {
    const watched = watch("tasks.mjs", options);
    const controller = new AbortController();
    const handle = watched.offloader.offload("echo", 1, { signal: controller.signal });
    await handle.result();
    controller.abort();
    expect(handle.state).toBe("succeeded");
    expect(watched.ends(handle.id)).toEqual(["succeeded"]);
  });

  it("cancels all tasks that share it, and no others", async () => {
    const watched = watch("stopping.mjs", { pool: { maxThreads: 1, concurrentTasksPerThread: 10 } });
    const controller = new AbortController();
    const gate = new Gate();
    const sharing = [1, 2, 3].map(() => {
      return watched.offloader.offload("listens", { gate: gate.memory }, { signal: controller.signal });
    });
    const other = watched.offloader.offload("listens", { gate: gate.memory, value: "other" });
    await gate.arrival(4);
    controller.abort();
    for (const handle of sharing) expect(await rejection(handle.result())).toMatchObject({ code: "AR_CANCELLED" });
    gate.open();
    expect(await other.result()).toBe("other");
  });
});

describe("the signal of a task", () => {
  it("may be handed to as many operations as there are, and Node warns of no leak", async () => {
    const { offloader } = watch("tasks.mjs", options);
    expect(await offloader.run("sharesItsSignal")).toEqual([]);
  });

  it("of a callback may be, too", async () => {
    const { offloader } = watch("tasks.mjs", options);
    const { sharesItsSignal } = await import("../fixtures/tasks.mjs" as string);
    const response = new ServerResponse(new IncomingMessage(new Socket()));
    const handle = offloader.runAfterResponse(response, (context) => sharesItsSignal(undefined, context));
    response.end();
    expect(await handle.result()).toEqual([]);
  });
});

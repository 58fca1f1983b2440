// key and onDuplicate: at most one unfinished task of a name has a key.
import { describe, expect, it } from "vitest";
import { Gate } from "../support/gate.js";
import { rejection, watch, watchKept } from "../support/offloader.js";

describe("a second dispatch with the same key", () => {
  it("is skipped by default: one run, and both handles are of it", async () => {
    const { watched, tasks } = watchKept();
    const first = watched.offloader.offload("echo", 1, { key: "k" });
    const second = watched.offloader.offload("echo", 2, { key: "k" });
    expect(second.id).toBe(first.id);
    await tasks.drain();
    expect(await second.result()).toBe(1);
    expect(watched.ends(first.id)).toEqual(["succeeded"]);
    tasks.assertOffloaded("echo", 1, { times: 1 });
  });

  it("is skipped while the first runs", async () => {
    const watched = watch("tasks.mjs", { pool: { maxThreads: 1 } });
    const gate = new Gate();
    const first = watched.offloader.offload("blocked", { gate: gate.memory, value: 1 }, { key: "k" });
    await gate.arrival();
    const second = watched.offloader.offload("blocked", { gate: gate.memory, value: 2 }, { key: "k" });
    gate.open();
    expect(second.id).toBe(first.id);
    expect(await second.result()).toBe(1);
    expect(gate.arrived).toBe(1);
  });

  it("is a task of its own when the first is being cancelled, and starts after its end", async () => {
    const watched = watch("tasks.mjs", { pool: { maxThreads: 1 } });
    const gate = new Gate();
    const first = watched.offloader.offload("blocked", { gate: gate.memory, value: 1 }, { key: "k" });
    await gate.arrival();
    expect(first.cancel()).toBe(true);
    const second = watched.offloader.offload("echo", 2, { key: "k" });
    expect(second.id).not.toBe(first.id);
    gate.open();
    expect(await second.result()).toBe(2);
    expect(watched.ends(first.id)).toEqual(["cancelled"]);
  });

  it("replaces one that waits: the last payload wins, the others are cancelled", async () => {
    const { watched, tasks } = watchKept();
    const handles = [1, 2, 3].map((value) => {
      return watched.offloader.offload("echo", value, { key: "k", onDuplicate: "replace" });
    });
    await tasks.drain();
    expect(await handles[2]?.result()).toBe(3);
    for (const handle of handles.slice(0, 2)) {
      const error = await rejection(handle.result());
      expect(error).toMatchObject({ code: "AR_CANCELLED" });
      expect(error.message).toContain("a later dispatch with the same key took its place");
      expect(watched.story(handle.id)).toEqual(["accepted", "queued", "cancelled"]);
    }
  });

  it("replaces nobody when the signal of its call had aborted before", async () => {
    const { watched, tasks } = watchKept();
    const first = watched.offloader.offload("echo", 1, { key: "k" });
    const options = { key: "k", onDuplicate: "replace", signal: AbortSignal.abort() } as const;
    const second = watched.offloader.offload("echo", 2, options);
    expect([first.state, second.state]).toEqual(["queued", "cancelled"]);
    await tasks.drain();
    expect(await first.result()).toBe(1);
  });

  it("replaces one that runs by starting after its end, and never beside it", async () => {
    const watched = watch("tasks.mjs", { pool: { minThreads: 2, maxThreads: 2 } });
    const gate = new Gate();
    const first = watched.offloader.offload("waiting", { gate: gate.memory, value: 1 }, { key: "k" });
    await gate.arrival();
    const second = watched.offloader.offload("echo", 2, { key: "other" });
    const replaced = replace(2);
    const last = replace(3);
    // A free thread is there, and what has another key runs on it.
    await second.result();
    expect([first.state, last.state]).toEqual(["running", "queued"]);
    gate.open();
    expect(await first.result()).toBe(1);
    expect(await last.result()).toBe(3);
    expect(replaced.state).toBe("cancelled");
    const order = watched.recorded.filter(({ id, event }) => {
      return (id === first.id && event === "succeeded") || (id === last.id && event === "started");
    });
    expect(order.map(({ id }) => id)).toEqual([first.id, last.id]);

    function replace(value: number) {
      return watched.offloader.offload("waiting", { gate: gate.memory, value }, { key: "k", onDuplicate: "replace" });
    }
  });

  it("that waits for a running one can be cancelled, and the key stays with the running one", async () => {
    const watched = watch("tasks.mjs", { pool: { maxThreads: 1 } });
    const gate = new Gate();
    const running = watched.offloader.offload("waiting", { gate: gate.memory, value: 1 }, { key: "k" });
    await gate.arrival();
    const waiting = watched.offloader.offload(
      "waiting",
      { gate: gate.memory, value: 2 },
      { key: "k", onDuplicate: "replace" },
    );
    expect(waiting.cancel()).toBe(true);
    const third = watched.offloader.offload(
      "waiting",
      { gate: gate.memory, value: 3 },
      { key: "k", onDuplicate: "replace" },
    );
    expect(third.state).toBe("queued");
    gate.open();
    expect(await running.result()).toBe(1);
    expect(await third.result()).toBe(3);
    await watched.offloader.idle();
    expect(watched.ends(waiting.id)).toEqual(["cancelled"]);
  });

  it("replaces one that waits for its next attempt", async () => {
    const { watched, tasks } = watchKept();
    const first = watched.offloader.offload("fails", {}, { key: "k", attempts: 2, backoff: 100_000 });
    await tasks.drain();
    expect(first.state).toBe("delayed");
    const second = watched.offloader.offload("fails", {}, { key: "k", onDuplicate: "replace" });
    await tasks.drain();
    expect([first.state, second.state]).toEqual(["cancelled", "failed"]);
  });

  it("is accepted in the place of the first when the queue is full", async () => {
    const { watched, tasks } = watchKept({ queue: { max: 2 } });
    watched.offloader.offload("echo", 0);
    watched.offloader.offload("echo", 1, { key: "k" });
    const last = watched.offloader.offload("echo", 2, { key: "k", onDuplicate: "replace" });
    expect(watched.offloader.stats().unfinished).toBe(2);
    await tasks.drain();
    expect(await last.result()).toBe(2);
  });
});

describe("a key", () => {
  it("does not collide with others, nor with the same one of another task", async () => {
    const { watched, tasks } = watchKept();
    const handles = [
      watched.offloader.offload("echo", 1, { key: "a" }),
      watched.offloader.offload("echo", 2, { key: "b" }),
      watched.offloader.offload("add", { a: 1, b: 2 }, { key: "a" }),
      watched.offloader.offload("echo", 4),
    ];
    await tasks.drain();
    expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual([1, 2, 3, 4]);
  });

  it("is free again after the end, however that came", async () => {
    const watched = watch("tasks.mjs", { pool: { maxThreads: 1 } });
    const key = "k";
    const succeeded = watched.offloader.offload("echo", 1, { key });
    await succeeded.result();
    const failed = watched.offloader.offload("fails", {}, { key });
    await rejection(failed.result());
    const died = watched.offloader.offload("exits", {}, { key });
    await rejection(died.result());
    const cancelled = watched.offloader.offload("echo", 2, { key });
    cancelled.cancel();
    const last = watched.offloader.offload("echo", 3, { key });
    expect(await last.result()).toBe(3);
    expect(new Set([succeeded, failed, died, cancelled, last].map(({ id }) => id)).size).toBe(5);
  });
});

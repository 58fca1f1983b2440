// A slow task in a batch of tiny ones: it holds up nobody but itself.
import type { TaskHandle } from "offload-after-response";
import { describe, expect, it } from "vitest";
import { Gate } from "../../support/gate.js";
import { handedOver, rejection, type Watched, watch } from "../../support/offloader.js";

/** Two idle threads that take the tasks called `tiny` by the batch. */
async function twoThreads(options = {}): Promise<Watched> {
  const watched = watch("tasks.mjs", { pool: { minThreads: 2, maxThreads: 2, ...options } });
  await watched.events("threadStarted", 2);
  await watched.expectTiny("tiny");
  return watched;
}

/** Resolves when a task is taken back from the slow one before it. */
async function takenBack(watched: Watched, handle: TaskHandle): Promise<void> {
  await watched.events("queued", 2, ({ id }) => id === handle.id);
}

describe("a slow task in a batch of tiny ones", () => {
  it("does not keep those behind it from an idle thread", async () => {
    const { offloader } = await twoThreads();
    const gate = new Gate();
    const slow = offloader.offload("tiny", { blockedBy: gate.memory });
    const others = Array.from({ length: 9 }, (_, value) => offloader.offload("tiny", { value }));

    expect(await Promise.all(others.map((handle) => handle.result()))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(slow.state).toBe("running");
    gate.open();
    await slow.result();
  });

  for (const [how, payload] of [
    ["blocks its thread", (gate: Gate) => ({ blockedBy: gate.memory })],
    ["waits", (gate: Gate) => ({ waitsFor: gate.memory })],
  ] as const) {
    it(`does not keep those before it from being recorded to have ended, when it ${how}`, async () => {
      const { offloader } = await twoThreads();
      const gate = new Gate();
      const before = [0, 1, 2].map(() => offloader.offload("tiny"));
      const slow = offloader.offload("tiny", payload(gate));
      await Promise.all(before.map((handle) => handle.result()));
      expect(slow.state).toBe("running");
      gate.open();
      await slow.result();
    });
  }

  it("does not keep the results of those before it, when it waits", async () => {
    const { offloader } = await twoThreads();
    const gate = new Gate();
    const before = [0, 1, 2].map((value) => offloader.run("tiny", { value }));
    const slow = offloader.offload("tiny", { waitsFor: gate.memory, value: 3 });
    expect(await Promise.all(before)).toEqual([0, 1, 2]);
    expect(slow.state).toBe("running");
    gate.open();
    expect(await slow.result()).toBe(3);
  });

  it("does not change the order of those behind it", async () => {
    const watched = await twoThreads();
    const several = (count: number) => Array.from({ length: count }, () => watched.offloader.offload("turn"));
    await watched.expectTiny("turn");
    // The other thread is busy to the end, so that all run on one, as their count of turns shows.
    const busy = new Gate();
    watched.offloader.offload("blocked", { gate: busy.memory });
    await busy.arrival();
    const gate = new Gate();
    const first = [watched.offloader.offload("turn", { blockedBy: gate.memory }), ...several(5)];
    await handedOver();
    // These are sent ahead to the thread, which is expected to be done with the first ones soon.
    const handles = [...first, ...several(5)];
    await watched.event("started", ({ id }) => id === handles[6]?.id);
    await watched.events("queued", 2, ({ id }) => id === handles[6]?.id);
    gate.open();
    const turns = (await Promise.all(handles.map((handle) => handle.result()))).map(Number);
    expect(turns).toEqual(turns.map((_, index) => (turns[0] ?? 0) + index));
    busy.open();
  });

  it("does not count the time of the others as attempts", async () => {
    const watched = await twoThreads();
    const gate = new Gate();
    watched.offloader.offload("tiny", { blockedBy: gate.memory });
    const other = watched.offloader.offload("tiny", { value: 1 });
    await other.result();
    gate.open();
    const story = watched.story(other.id);
    expect(story.at(-1)).toBe("succeeded");
    expect(await watched.event("succeeded", ({ id }) => id === other.id)).toMatchObject({ attempt: 1 });
  });
});

describe("a task that was taken back from a slow batch and runs on another thread", () => {
  /** A task that waits for `second`, on another thread than the one it was sent to at first. */
  async function moved(payload: object, options = {}, poolOptions = {}) {
    const watched = await twoThreads(poolOptions);
    const [first, second] = [new Gate(), new Gate()];
    const slow = watched.offloader.offload("tiny", { blockedBy: first.memory });
    const handle = watched.offloader.offload("tiny", { waitsFor: second.memory, ...payload }, options);
    await first.arrival();
    await second.arrival();
    // Otherwise it never was on the slow task's thread, and the test would say nothing. A thread that begins slowly, as on a busy machine,
    // gives it back again.
    expect(watched.story(handle.id).join()).toMatch(/^accepted,queued(,started,queued)+,started$/);
    return { watched, first, second, slow, handle };
  }

  it("can be cancelled there", async () => {
    const { handle, first } = await moved({}, {}, { abortGrace: 50 });
    expect(handle.cancel("changed my mind")).toBe(true);
    expect(await rejection(handle.result())).toMatchObject({ code: "AR_CANCELLED" });
    first.open();
  });

  it("has its timeout there", async () => {
    const { handle, first } = await moved({}, { timeout: 50 }, { abortGrace: 50 });
    expect(await rejection(handle.result())).toMatchObject({ code: "AR_TIMEOUT" });
    first.open();
  });

  it("keeps a large result that is asked for while it runs there", async () => {
    const { handle, first, second } = await moved({ bytes: 100_000 });
    const result = handle.result();
    second.open();
    expect(await result).toHaveProperty("length", 100_000);
    first.open();
  });

  it("ends once, although its first thread ends the batch later", async () => {
    const { handle, first, second, slow, watched } = await moved({ value: 1 });
    second.open();
    expect(await handle.result()).toBe(1);
    first.open();
    await slow.result();
    await watched.offloader.idle();
    expect(watched.ends(handle.id)).toEqual(["succeeded"]);
  });
});

describe("where there is but one thread", () => {
  it("nothing is taken back: it would only wait elsewhere", async () => {
    const watched = watch("tasks.mjs", { pool: { maxThreads: 1 } });
    const another = await twoThreads();
    await watched.expectTiny("tiny");
    const gate = new Gate();
    watched.offloader.offload("tiny", { blockedBy: gate.memory });
    const handle = watched.offloader.offload("tiny");
    await handedOver();
    expect(handle.state).toBe("running");
    // This one, which is sent later, is taken back: by then the other has been looked after, too.
    another.offloader.offload("tiny", { blockedBy: gate.memory });
    await takenBack(another, another.offloader.offload("tiny"));
    gate.open();
    await handle.result();
    expect(watched.story(handle.id)).toEqual(["accepted", "queued", "started", "succeeded"]);
  });
});

describe("a buffer that was moved to a thread", () => {
  it("arrives whole although its task had to wait there behind a slow one", async () => {
    const [watched, another] = [await twoThreads(), await twoThreads()];
    const busy = new Gate();
    watched.offloader.offload("blocked", { gate: busy.memory });
    await busy.arrival();
    const gate = new Gate();
    watched.offloader.offload("tiny", { blockedBy: gate.memory });
    const buffer = new Uint8Array([1, 2, 3, 4]).buffer;
    const sum = watched.offloader.offload("sumOf", buffer, { transfer: [buffer] });
    await handedOver();
    expect(sum.state).toBe("running");
    // A task of another offloader that is taken back was sent later: by then the buffer's has been looked after, too.
    another.offloader.offload("tiny", { blockedBy: gate.memory });
    await takenBack(another, another.offloader.offload("tiny"));
    gate.open();
    expect(await sum.result()).toBe(10);
    expect(watched.story(sum.id)).toEqual(["accepted", "queued", "started", "succeeded"]);
    busy.open();
  });
});

describe("a thread that is blocked by what a finished task has left behind", () => {
  it("does not keep what was sent to it from another thread", async () => {
    const watched = watch("tasks.mjs", { pool: { maxThreads: 2 } });
    const gate = new Gate();
    await watched.offloader.run("leavesBlock", { gate: gate.memory });
    await gate.arrival();
    expect(await watched.offloader.run("echo", "still there")).toBe("still there");
    gate.open();
  });

  it("is ended when it begins nothing within pool.startTimeout", async () => {
    const watched = watch("tasks.mjs", { pool: { maxThreads: 1, startTimeout: 3_000 } });
    const neverOpened = new Gate();
    await watched.offloader.run("leavesBlock", { gate: neverOpened.memory });
    await neverOpened.arrival();
    expect(await watched.offloader.run("echo", "still there")).toBe("still there");
    expect(await watched.event("threadEnded")).toMatchObject({
      cause: "killed",
      reason: expect.stringContaining("startTimeout"),
    });
  });
});

// What kills a thread, and whom it takes along: nobody but the task that did it.
import { describe, expect, it } from "vitest";
import { Gate } from "../../support/gate.js";
import { rejection, type WatchedOptions, watch } from "../../support/offloader.js";
import { blockUntil } from "../../support/until.js";

const oneThread: WatchedOptions = { pool: { maxThreads: 1 } };
const smallHeap: WatchedOptions = { pool: { maxThreads: 1, resourceLimits: { maxOldGenerationSizeMb: 32 } } };

/** Ways for a task to kill its thread: the task, and the code of its failure. */
const deaths = [
  { how: "calls process.exit()", task: "exits", code: "AR_THREAD_EXITED", options: oneThread },
  { how: "brings its thread down without a word", task: "crashes", code: "AR_THREAD_EXITED", options: oneThread },
  {
    how: "takes the library's handlers off and leaves a rejection",
    task: "unhooks",
    code: "AR_THREAD_EXITED",
    options: oneThread,
  },
  { how: "runs out of memory", task: "fillsMemory", code: "AR_OUT_OF_MEMORY", options: smallHeap },
];

describe("a task that kills its thread", () => {
  for (const { how, task, code, options } of deaths) {
    it(`fails alone when it ${how}: its siblings in the same batch succeed`, async () => {
      const watched = watch("tasks.mjs", options);
      const { offloader } = watched;
      await watched.expectTiny(task, { really: false });

      const handles = [0, 1, 2, 3, 4].map((value) => offloader.offload(task, { really: value === 2, value }));
      await offloader.idle();

      expect(handles.map(({ state }) => state)).toEqual(["succeeded", "succeeded", "failed", "succeeded", "succeeded"]);
      for (const { id } of handles) expect(watched.ends(id)).toHaveLength(1);
      expect(await rejection(handles[2]?.result())).toMatchObject({ code });
    });

    it(`is named, with its id, in the error when it ${how}`, async () => {
      const { offloader } = watch("tasks.mjs", options);
      const handle = offloader.offload(task);
      const error = await rejection(handle.result());
      expect(error.message).toContain(`task ${task} (${handle.id})`);
    });

    it(`leaves a pool that goes on with a new thread when it ${how}`, async () => {
      const watched = watch("tasks.mjs", options);
      await rejection(watched.offloader.run(task));
      expect(await watched.offloader.run("add", { a: 1, b: 2 })).toBe(3);
      const [first, second] = await watched.events("threadStarted", 2);
      expect((await watched.event("threadEnded")).threadId).toBe(first?.threadId);
      expect(second?.threadId).not.toBe(first?.threadId);
    });
  }

  it("leaves its finished siblings their results when it calls process.exit()", async () => {
    const watched = watch("tasks.mjs", oneThread);
    await watched.expectTiny("exits", { really: false });
    const results = [0, 1, 2, 3, 4].map((value) => watched.offloader.run("exits", { really: value === 2, value }));
    const settled = await Promise.allSettled(results);
    const ends = settled.map((end) => (end.status === "fulfilled" ? end.value : "failed"));
    expect(ends).toEqual([0, 1, "failed", 3, 4]);
  });

  for (const task of ["crashes", "fillsMemory"]) {
    it(`never lets a result that was lost with its thread pass for undefined (${task})`, async () => {
      const watched = watch("tasks.mjs", smallHeap);
      await watched.expectTiny(task, { really: false });
      const handles = [0, 1, 2, 3].map((value) => watched.offloader.offload(task, { really: value === 3, value }));
      const settled = await Promise.allSettled(handles.map((handle) => handle.result()));
      for (const [value, end] of settled.slice(0, 3).entries()) {
        if (end.status === "fulfilled") expect(end.value).toBe(value);
        else expect(end.reason).toMatchObject({ code: "AR_RESULT_NOT_KEPT" });
      }
      expect(handles.map(({ state }) => state)).toEqual(["succeeded", "succeeded", "succeeded", "failed"]);
    });
  }

  it("does not change the order of those it has not let begin", async () => {
    const watched = watch("tasks.mjs", oneThread);
    await watched.expectTiny("exits", { really: false });
    const ids = [0, 1, 2, 3, 4].map((value) => watched.offloader.offload("exits", { really: value === 0, value }).id);
    // These are sent ahead, in a batch of their own.
    await watched.event("started", ({ id }) => id === ids[0]);
    ids.push(...[5, 6, 7].map((value) => watched.offloader.offload("exits", { really: false, value }).id));
    await watched.offloader.idle();
    const succeeded = watched.recorded.filter(({ event, id }) => event === "succeeded" && ids.includes(id ?? ""));
    expect(succeeded.map(({ id }) => id)).toEqual(ids.slice(1));
  });

  it.each(["exits", "crashes"])(
    "leaves the results of a batch that its thread had ended before, although the main thread was busy (%s)",
    async (how) => {
      const watched = watch("tasks.mjs", oneThread);
      await watched.expectTiny("tiny");
      const results = [1, 2, 3].map((value) => watched.offloader.run("tiny", { value }));
      await Promise.resolve();
      // In a batch of its own, behind the first.
      const gate = new Gate();
      const last = watched.offloader.offload("tiny", { [how]: gate.memory });
      await Promise.resolve();
      expect(last.state).toBe("running");
      // Nothing that the thread says is heard before it is dead.
      blockUntil(() => gate.arrived === 1);
      Atomics.wait(gate.memory, 0, 0, 50);
      expect(await Promise.all(results)).toEqual([1, 2, 3]);
      expect(await rejection(last.result())).toMatchObject({ code: "AR_THREAD_EXITED" });
    },
  );

  it("has its next attempt alone on its thread", async () => {
    const watched = watch("tasks.mjs", oneThread);
    const { offloader, recorded } = watched;
    await watched.expectTiny("exits", { really: false });
    const guilty = offloader.offload("exits", {}, { attempts: 2, backoff: 0 });
    await watched.event("retrying", ({ id }) => id === guilty.id);
    for (let i = 0; i < 20; i++) offloader.offload("exits", { really: false });
    await offloader.idle();

    expect(guilty.state).toBe("failed");
    const secondStart = recorded.findIndex(
      ({ event, id, attempt }) => event === "started" && id === guilty.id && attempt === 2,
    );
    const end = recorded.findIndex(({ event, id }) => event === "failed" && id === guilty.id);
    expect(secondStart).toBeGreaterThan(0);
    const between = recorded.slice(secondStart + 1, end);
    expect(between.filter(({ event }) => event === "started" || event === "succeeded")).toEqual([]);
  });

  it("succeeds on its next attempt when it no more kills its thread", async () => {
    const { offloader } = watch("tasks.mjs", oneThread);
    const handle = offloader.offload("exitsOnAttempt", { attempts: [1, 2] }, { attempts: 3, backoff: 0 });
    expect(await handle.result()).toBe(3);
  });
});

describe("a payload that no thread can take in", () => {
  it("fails its task once it has killed three threads, and those that it was sent with succeed", async () => {
    const watched = watch("tasks.mjs", smallHeap);
    const { offloader } = watched;
    await watched.expectTiny("echo");
    // Flat, so it is taken in whole before the task begins, and more than the heap of a thread.
    const tooMuch = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`field ${index}`, `${index}`.repeat(4_000_000)]),
    );
    const handles = [1, tooMuch, 3].map((value) => offloader.offload("echo", value));
    await offloader.idle();
    expect(handles.map(({ state }) => state)).toEqual(["succeeded", "failed", "succeeded"]);
    const error = await rejection(handles[1]?.result());
    expect(error).toMatchObject({ code: "AR_OUT_OF_MEMORY" });
    expect(error.message).toMatch(
      /^the thread of task echo \(.*\) ran out of memory before it began, as 2 before it did$/,
    );
    expect(watched.ends(handles[1]?.id ?? "")).toEqual(["failed"]);
    expect(await watched.event("threadEnded")).toMatchObject({ cause: "out_of_memory" });
    expect(offloader.snapshot().threadsEnded).toMatchObject({ out_of_memory: expect.any(Number), crashed: 0, idle: 0 });
    // The first thread may have had the whole batch, and the one before the tasks that it was measured with.
    const deaths = watched.recorded.filter(({ event }) => event === "threadEnded").length;
    expect(deaths).toBeGreaterThanOrEqual(3);
    expect(deaths).toBeLessThanOrEqual(5);
  });

  it("fails its task at once where the task had begun, because the payload is read by its attempt", async () => {
    const watched = watch("tasks.mjs", smallHeap);
    const { offloader } = watched;
    await watched.expectTiny("echo");
    // Some 20 MB on its way, and many times that on the heap of a thread.
    const tooMuch = Array.from({ length: 1_500_000 }, (_, index) => ({ index }));
    const handles = [1, tooMuch, 3].map((value) => offloader.offload("echo", value));
    await offloader.idle();
    expect(handles.map(({ state }) => state)).toEqual(["succeeded", "failed", "succeeded"]);
    const error = await rejection(handles[1]?.result());
    expect(error).toMatchObject({ code: "AR_OUT_OF_MEMORY" });
    expect(error.message).toMatch(/^the thread of task echo \(.*\) ran out of memory while it ran$/);
  });
});

describe("a thread that dies while it runs several tasks", () => {
  const together: WatchedOptions = { pool: { maxThreads: 1, concurrentTasksPerThread: 4 } };

  it("has each of them run again alone, and the guilty one fails", async () => {
    const watched = watch("tasks.mjs", together);
    const { offloader, recorded } = watched;
    const gate = new Gate();
    const innocent = [1, 2, 3].map((value) => offloader.offload("waiting", { gate: gate.memory, value }));
    await gate.arrival(3);
    const guilty = offloader.offload("exits");
    await watched.event("threadEnded");
    gate.open();

    expect(await Promise.all(innocent.map((handle) => handle.result()))).toEqual([1, 2, 3]);
    expect(await rejection(guilty.result())).toMatchObject({ code: "AR_THREAD_EXITED" });
    for (const handle of [...innocent, guilty]) expect(watched.ends(handle.id)).toHaveLength(1);

    // After the death, no start of one of them comes before the end of the one before it.
    const after = recorded.slice(recorded.findIndex(({ event }) => event === "threadEnded"));
    const steps = after.filter(
      ({ event, id }) => id !== undefined && ["started", "succeeded", "failed"].includes(event),
    );
    for (let step = 0; step < steps.length; step += 2) {
      expect(steps[step]?.event).toBe("started");
      expect(steps[step + 1]?.event).not.toBe("started");
      expect(steps[step + 1]?.id).toBe(steps[step]?.id);
    }
  });

  it("does not count the run that was cut short as an attempt of the innocent", async () => {
    const watched = watch("tasks.mjs", together);
    const gate = new Gate();
    const innocent = watched.offloader.offload("waiting", { gate: gate.memory });
    await gate.arrival();
    watched.offloader.offload("exits");
    await watched.event("threadEnded");
    gate.open();
    await innocent.result();
    expect(await watched.event("succeeded", ({ id }) => id === innocent.id)).toMatchObject({ attempt: 1 });
  });

  it("lets tasks run together again afterwards", async () => {
    const watched = watch("tasks.mjs", together);
    await rejection(watched.offloader.run("exits"));
    const gate = new Gate();
    const handles = [1, 2, 3, 4].map((value) => watched.offloader.offload("waiting", { gate: gate.memory, value }));
    await gate.arrival(4);
    gate.open();
    expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual([1, 2, 3, 4]);
  });
});

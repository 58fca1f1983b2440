// task.offload(): a task that leaves further work. And an offloader that is made in one of its own threads.
import { describe, expect, it } from "vitest";
import { rejection, watch } from "../support/offloader.js";
import { startProgram } from "../support/process.js";

const module = "modules/follow-ups.mjs";

describe("a task that a task has offloaded", () => {
  it("has an id, its parent's id on every event, and its parent's context", async () => {
    const watched = watch(module, { context: () => ({ request: "r-7" }) });
    const handle = watched.offloader.offload("parent", { payload: { row: 1 } });
    const { id } = (await handle.result()) as { id: string };
    await watched.event("succeeded", (recorded) => recorded.id === id);
    const recorded = watched.recorded.filter((each) => each.id === id);
    expect(recorded.map(({ event }) => event)).toEqual(["accepted", "queued", "started", "succeeded"]);
    expect(recorded).toEqual(
      recorded.map(() => expect.objectContaining({ parent: handle.id, context: { request: "r-7" } })),
    );
  });

  it("keeps its options", async () => {
    const watched = watch(module);
    const first = (await watched.offloader.run("parent", { options: { key: "k" } })) as { id: string };
    expect(first.id).toMatch(/-/);
    const error = await rejection(watched.offloader.run("parent", { options: { priorty: "low" } }));
    expect(error).toMatchObject({ code: "AR_INVALID_OPTIONS", message: expect.stringContaining("priority") });
  });

  it.each([
    ["a backoff that is a function", "task.offload: options.backoff is a function, which cannot be copied to a thread"],
    ["a signal", "unknown option signal (known options: priority, timeout, attempts, backoff, key, onDuplicate)"],
    ["a runIf", "unknown option runIf (known options: priority, timeout, attempts, backoff, key, onDuplicate)"],
  ])("cannot have %s", async (option, words) => {
    const error = await rejection(watch(module).offloader.run("parentWith", option));
    expect(error).toMatchObject({ code: "AR_INVALID_OPTIONS", message: expect.stringContaining(words) });
  });

  it("is refused with the code, and 503 where it may be accepted later", async () => {
    const watched = watch(module, { queue: { max: 1 } });
    expect(await rejection(watched.offloader.run("parent", {}))).toMatchObject({
      code: "AR_QUEUE_FULL",
      statusCode: 503,
    });
  });

  it("must be a task of the module", async () => {
    const watched = watch(module);
    expect(await rejection(watched.offloader.run("parent", { name: "chidl" }))).toMatchObject({
      code: "AR_UNKNOWN_TASK",
    });
  });

  it("is drained: close() waits for it too", async () => {
    const watched = watch(module);
    watched.offloader.offload("parent", { payload: 1 });
    const report = await watched.offloader.close();
    expect(report).toMatchObject({ completed: 2, abandoned: [] });
  });
});

describe("an offloader that is made in a thread of ours", () => {
  it.each([
    ["because the tasks module imports the file that makes it", []],
    ["by a preload", ["--import", new URL("./programs/preload.mjs", import.meta.url).href]],
  ])("starts nothing, %s, and its calls say what to use instead", async (_, preload) => {
    const program = await startProgram("test/offloader/programs/in-thread/offloader.ts", {
      execArgv: ["--import", "tsx", ...preload],
      ready: /^(\{.*\})$/m,
    });
    const answer = JSON.parse((await program.waitFor(/^(\{.*\})$/m))[1] ?? "");
    expect(answer).toMatchObject({
      codes: ["AR_IN_THREAD", "AR_IN_THREAD", "AR_IN_THREAD", "AR_IN_THREAD", "AR_IN_THREAD"],
      message: expect.stringContaining("task.offload(name, payload)"),
      // The two of the offloader of the main thread: a thread within a thread would be one more.
      nested: 0,
    });
    expect((await program.exited).code).toBe(0);
  });
});

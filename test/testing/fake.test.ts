// The mode "fake": what is offloaded is accepted, held, refused as always, and kept instead of run.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { createOffloader } from "offload-after-response";
import { testing } from "offload-after-response/testing";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { makeDirectory } from "../support/directory.js";
import { rejection, thrownBy } from "../support/offloader.js";
import { makeOffloader, startApp } from "./app.js";

describe("an application whose offloader is under test", () => {
  it("keeps what it offloads after its response, by calls that were destructured before", async () => {
    const { tasks, post } = await startApp();
    expect(await post("/photos/cat")).toBe(202);
    await tasks.settled();
    tasks.assertOffloaded("optimizeImage", { key: "cat" });
    expect(tasks.offloaded()).toMatchObject([
      {
        task: "optimizeImage",
        payload: { key: "cat", widths: [320] },
        operation: "offloadAfterResponse",
        options: { runIf: "ok", priority: "normal" },
        state: "queued",
        attempt: 0,
      },
    ]);
  });

  it("still decides by how the response ended", async () => {
    const { tasks, post } = await startApp();
    expect(await post("/broken/cat")).toBe(500);
    await tasks.settled();
    tasks.assertNotOffloaded("optimizeImage");
    expect(() => tasks.assertOffloaded("optimizeImage")).toThrow(
      /optimizeImage\(.*\), by offloadAfterResponse, skipped/,
    );
  });

  it("runs its callbacks", async () => {
    const { tasks, post } = await startApp();
    await post("/mail/cat");
    await tasks.settled();
    expect(tasks.callbacks("sendWelcome")).toMatchObject([{ callback: "sendWelcome", state: "succeeded" }]);
    tasks.assertNothingOffloaded();
  });

  it("answers 503 where the test has dispatches refused, until it clears", async () => {
    const { tasks, post } = await startApp();
    tasks.refuse("AR_QUEUE_FULL");
    expect([await post("/photos/cat"), await post("/mail/cat")]).toEqual([503, 503]);
    tasks.refuse("AR_JOURNAL_FULL");
    expect([await post("/photos/cat"), await post("/mail/cat")]).toEqual([503, 202]);
    await tasks.clear();
    expect(await post("/photos/cat")).toBe(202);
  });

  it("keeps its limits, its keys, its checks of payloads and of options", async () => {
    const { offloader, tasks } = await startApp({}, { queue: { max: 2 } });
    const first = offloader.offload("optimizeImage", { key: "a" }, { key: "a" });
    expect(offloader.offload("optimizeImage", { key: "a" }, { key: "a" }).id).toBe(first.id);
    tasks.assertOffloaded("optimizeImage", { key: "a" }, { times: 1, options: { key: "a" }, operation: "offload" });
    expect(thrownBy(() => offloader.offload("optimizeImage", { key: (() => {}) as never })).code).toBe(
      "AR_PAYLOAD_NOT_CLONEABLE",
    );
    expect(thrownBy(() => offloader.offload("sendMail", undefined, { attempts: 0 })).code).toBe("AR_INVALID_OPTIONS");
    offloader.offload("sendMail");
    expect(thrownBy(() => offloader.offload("sendMail")).code).toBe("AR_QUEUE_FULL");
  });

  it("refuses a name that no task has: at the call where the module is given", () => {
    const offloader = makeOffloader();
    const tasks = testing(offloader, { tasks: { optimizeImage: () => "" } });
    onTestFinished(() => tasks.restore());
    expect(thrownBy(() => offloader.offload("optimiseImage" as never)).message).toMatch(/did you mean optimizeImage\?/);
    expect(thrownBy(() => tasks.assertNotOffloaded("optimiseImage" as never)).code).toBe("AR_UNKNOWN_TASK");
  });

  it("refuses a name that no task has: at the latest when the test is cleared", async () => {
    const { offloader, tasks } = await startApp();
    offloader.offload("optimiseImage" as never);
    const error = await rejection(tasks.clear());
    expect(error).toMatchObject({ code: "AR_UNKNOWN_TASK" });
    offloader.offload("sendMail");
    expect(await rejection(Promise.resolve().then(() => tasks.offloaded("sendMale" as never)))).toMatchObject({
      code: "AR_UNKNOWN_TASK",
    });
  });

  it("does without the threads where the test gives the module", async () => {
    const broken = new URL("../fixtures/modules/throws.mjs", import.meta.url);
    const offloader = createOffloader({ tasks: broken, logger: false });
    onTestFinished(async () => void (await offloader.close({ timeout: 0 })));
    // The threads have said that they cannot load theirs.
    await rejection(offloader.ready());
    const tasks = testing(offloader, { tasks: () => import("./fixtures/tasks.mjs") as never });
    onTestFinished(() => tasks.restore());
    await offloader.ready();
    offloader.offload("optimiseImage");
    expect(await rejection(tasks.clear())).toMatchObject({ code: "AR_UNKNOWN_TASK" });
    offloader.offload("optimizeImage", { key: "cat" });
    expect(await tasks.drain()).toMatchObject({ succeeded: 1 });
    tasks.restore();
    expect(thrownBy(() => offloader.offload("optimizeImage")).code).toBe("AR_TASKS_NOT_LOADABLE");
  });

  it.each(["before", "after"])(
    "keeps the tasks of TypeScript that no thread can load, known %s the test began",
    async (when) => {
      const file = path.join(makeDirectory(), "tasks.ts");
      // An alias of the test runner's, which Node.js does not know.
      await writeFile(file, 'import "@app/storage";\nexport function sendMail() {}\n');
      const warnings: string[] = [];
      const warn = (_fields: object, message: string): void => void warnings.push(message);
      const offloader = createOffloader({
        tasks: file,
        logger: { info() {}, warn, error() {} },
        pool: { maxThreads: 1 },
      });
      onTestFinished(async () => void (await offloader.close({ timeout: 0 })));
      if (when === "before") await rejection(offloader.ready());
      const tasks = testing(offloader);
      onTestFinished(() => tasks.restore());
      await offloader.ready();
      offloader.offload("sendMail");
      tasks.assertOffloaded("sendMail");
      await tasks.clear();
      expect(warnings).toEqual([
        expect.stringMatching(/no thread can load the tasks module.*\{ tasks: \(\) => import/),
      ]);
      tasks.restore();
      expect(thrownBy(() => offloader.offload("sendMail")).code).toBe("AR_TASKS_NOT_LOADABLE");
    },
  );

  it("still refuses everything where no thread can load the JavaScript", async () => {
    const broken = new URL("../fixtures/modules/throws.mjs", import.meta.url);
    const offloader = createOffloader({ tasks: broken, logger: false });
    onTestFinished(async () => void (await offloader.close({ timeout: 0 })));
    const tasks = testing(offloader);
    onTestFinished(() => tasks.restore());
    await rejection(offloader.ready());
    expect(thrownBy(() => offloader.offload("sendMail")).code).toBe("AR_TASKS_NOT_LOADABLE");
  });

  it("forgets what was recorded when it is cleared, and cancels it", async () => {
    const { offloader, tasks } = await startApp();
    const handle = offloader.offload("sendMail");
    await tasks.clear();
    expect(handle.state).toBe("cancelled");
    tasks.assertNothingOffloaded();
  });

  it("shows the payload as it was at the call, also of buffers that move", async () => {
    const { offloader, tasks } = await startApp();
    const payload = { key: "a", widths: [1] };
    offloader.offload("optimizeImage", payload);
    payload.widths.push(2);
    tasks.assertOffloaded("optimizeImage", { widths: [1] });
    const bytes = new Uint8Array([1, 2, 3]);
    offloader.offload("sendMail", { bytes } as never, { transfer: [bytes.buffer] });
    expect(tasks.offloaded("sendMail")[0]?.payload).toEqual({ bytes: new Uint8Array([1, 2, 3]) });
  });
});

describe("testing()", () => {
  it("refuses a process in production", () => {
    const offloader = makeOffloader();
    vi.stubEnv("NODE_ENV", "production");
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(thrownBy(() => testing(offloader)).message).toMatch(/NODE_ENV=production/);
  });

  it("refuses what is no offloader, a copy of one, one that is under test, and options that it does not know", () => {
    const offloader = makeOffloader();
    expect(thrownBy(() => testing({} as never)).message).toMatch(/expected what createOffloader\(\) returned/);
    expect(thrownBy(() => testing({ ...offloader })).message).toMatch(/a copy of it will not do/);
    expect(thrownBy(() => testing(offloader, { mood: "fake" } as never)).code).toBe("AR_INVALID_OPTIONS");
    expect(thrownBy(() => testing(offloader, { mode: "fake", fake: [] })).message).toMatch(/leave `fake` out/);
    expect(thrownBy(() => testing(offloader, { mode: "inline", except: [] })).message).toMatch(/belongs to the mode/);
    const tasks = testing(offloader);
    onTestFinished(() => tasks.restore());
    expect(thrownBy(() => testing(offloader)).message).toMatch(/is under test already/);
  });

  it("keeps the names of `fake`, and leaves the others to the threads", async () => {
    const offloader = makeOffloader();
    const tasks = testing(offloader, { fake: ["sendMail"] });
    onTestFinished(() => tasks.restore());
    const kept = offloader.offload("sendMail");
    expect(await offloader.run("optimizeImage", { key: "cat" })).toBe("optimized cat");
    await tasks.settled();
    expect(kept.state).toBe("queued");
  });

  it("runs the names of `except` here", async () => {
    const { offloader, tasks } = await startApp({ except: ["optimizeImage"] });
    offloader.offload("sendMail");
    expect(await offloader.run("optimizeImage", { key: "cat" })).toBe("optimized cat");
    await tasks.settled();
    expect(tasks.offloaded().map(({ task, state }) => [task, state])).toEqual([
      ["sendMail", "queued"],
      ["optimizeImage", "succeeded"],
    ]);
  });
});

// Running what was kept, running at once on the main thread, and the clock that only the test moves.
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { testing } from "offload-after-response/testing";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { rejection, thrownBy } from "../support/offloader.js";
import { makeOffloader, startApp } from "./app.js";

describe("drain()", () => {
  it("runs what was kept, in its order, and what that offloads, and counts how it ended", async () => {
    const { offloader, tasks } = await startApp();
    offloader.offload("fansOut", { keys: ["a", "b"] });
    offloader.offload("neverAgain");
    expect(await tasks.drain()).toEqual({ succeeded: 3, failed: 1, cancelled: 0, retrying: 0 });
    tasks.assertOffloaded("optimizeImage", { key: "b" }, { times: 1, operation: "task.offload" });
    expect(tasks.offloaded("optimizeImage").map(({ result }) => result)).toEqual(["optimized a", "optimized b"]);
    expect(tasks.offloaded("neverAgain")[0]?.error).toMatchObject({ message: "no such user" });
  });

  it("counts only what it has started itself, also while another one goes on", async () => {
    const { offloader, tasks } = await startApp();
    offloader.offload("sendMail");
    offloader.offload("optimizeImage", { key: "cat" });
    const [mails, images] = await Promise.all([
      tasks.drain({ only: "sendMail" }),
      tasks.drain({ only: "optimizeImage" }),
    ]);
    expect([mails, images]).toMatchObject([{ succeeded: 1 }, { succeeded: 1 }]);
  });

  it("does not count the callbacks that end meanwhile", async () => {
    const { offloader, tasks } = await startApp();
    const response = new ServerResponse(new IncomingMessage(new Socket()));
    offloader.runAfterResponse(response, () => {});
    offloader.offload("sendMail");
    response.emit("close");
    expect(await tasks.drain()).toEqual({ succeeded: 1, failed: 0, cancelled: 0, retrying: 0 });
    expect(tasks.callbacks()).toMatchObject([{ state: "succeeded" }]);
  });

  it("lets code that awaits a result go on", async () => {
    const { offloader, tasks } = await startApp();
    const result = offloader.run("optimizeImage", { key: "cat" });
    await tasks.drain();
    expect(await result).toBe("optimized cat");
  });

  it("runs no further attempt, unless it is asked to", async () => {
    const { offloader, tasks } = await startApp();
    const once = offloader.offload("flaky", { attempts: [1] }, { attempts: 3, backoff: 60_000 });
    expect(await tasks.drain()).toEqual({ succeeded: 0, failed: 0, cancelled: 0, retrying: 1 });
    expect(once.state).toBe("delayed");
    expect(await tasks.drain()).toEqual({ succeeded: 0, failed: 0, cancelled: 0, retrying: 0 });
    expect(await tasks.drain({ retries: true })).toEqual({ succeeded: 1, failed: 0, cancelled: 0, retrying: 0 });
    expect(await once.result()).toBe(2);
  });

  it("with `only`, leaves the attempts of the others where they are", async () => {
    const { offloader, tasks } = await startApp();
    const other = offloader.offload("flaky", { attempts: [1] }, { attempts: 2, backoff: 60_000 });
    await tasks.drain();
    offloader.offload("sendMail");
    expect(await tasks.drain({ retries: true, only: "sendMail" })).toMatchObject({ succeeded: 1, failed: 0 });
    expect(other.state).toBe("delayed");
  });

  it("refuses a name that no task has", async () => {
    const { tasks } = await startApp({ tasks: { sendMail() {} } });
    expect(await rejection(tasks.drain({ only: "sendMale" as never }))).toMatchObject({ code: "AR_UNKNOWN_TASK" });
  });

  it("runs only what it is asked for", async () => {
    const { offloader, tasks } = await startApp();
    const [mail, image] = [offloader.offload("sendMail"), offloader.offload("optimizeImage", { key: "a" })];
    await tasks.drain({ only: "optimizeImage" });
    expect([mail.state, image.state]).toEqual(["queued", "succeeded"]);
  });

  it("gives up on a task that offloads itself for ever", async () => {
    const { offloader, tasks } = await startApp();
    offloader.offload("offloadsItself");
    expect(await rejection(tasks.drain({ most: 20 }))).toMatchObject({
      code: "ERR_ASSERTION",
      message: expect.stringMatching(/more than 20 tasks were to run, offloadsItself last/),
    });
  });

  it("leaves what is paused", async () => {
    const { offloader, tasks } = await startApp();
    offloader.pause("sendMail");
    const mail = offloader.offload("sendMail");
    await tasks.drain();
    expect(mail.state).toBe("queued");
    offloader.resume("sendMail");
    await tasks.drain();
    expect(mail.state).toBe("succeeded");
  });

  it("rejects with the error of a tasks module that cannot be loaded, and can be asked again", async () => {
    const offloader = makeOffloader();
    let broken = true;
    const load = async () => {
      if (broken) throw new SyntaxError("broken module");
      return { sendMail() {} };
    };
    const tasks = testing(offloader, { tasks: load });
    onTestFinished(() => tasks.restore());
    const mail = offloader.offload("sendMail");
    expect((await rejection(tasks.drain())).message).toBe("broken module");
    expect(mail.state).toBe("queued");
    broken = false;
    await tasks.drain();
    expect(mail.state).toBe("succeeded");
  });
});

describe('the mode "inline"', () => {
  it("runs tasks after their response, in a later turn, by the functions of the test's own module", async () => {
    const optimizeImage = vi.fn(({ key }: { key: string }) => `mocked ${key}`);
    const { offloader, tasks, post } = await startApp({ mode: "inline", tasks: { optimizeImage } });
    const handle = offloader.offload("optimizeImage", { key: "a" });
    expect(handle.state).toBe("queued");
    expect(await post("/photos/b")).toBe(202);
    await tasks.settled();
    expect(optimizeImage.mock.calls.map(([payload]) => payload.key)).toEqual(["a", "b"]);
    expect(tasks.offloaded().map(({ result }) => result)).toEqual(["mocked a", "mocked b"]);
  });

  it("runs a function that imports the module only when it is needed", async () => {
    const load = vi.fn(() => import("./fixtures/tasks.mjs"));
    const { offloader, tasks } = await startApp({ mode: "inline", tasks: load });
    expect(await offloader.run("changes", { key: "a" })).toEqual({ key: "changed" });
    expect(load).toHaveBeenCalledTimes(1);
    // The payload is a copy, as it is on a thread.
    tasks.assertOffloaded("changes", { key: "a" });
  });

  it("waits for no thread: ready() resolves, and a misspelled name is refused at once", async () => {
    const { offloader } = await startApp({ mode: "inline", tasks: { sendMail() {} } });
    await offloader.ready();
    expect(thrownBy(() => offloader.offload("sendMale" as never)).code).toBe("AR_UNKNOWN_TASK");
  });

  it("refuses every dispatch where the module cannot be loaded, and the threads work after it", async () => {
    const offloader = makeOffloader();
    const load = async (): Promise<never> => {
      throw new SyntaxError("broken module");
    };
    const tasks = testing(offloader, { mode: "inline", tasks: load });
    onTestFinished(() => tasks.restore());
    const handle = offloader.offload("sendMail");
    expect(await rejection(handle.result())).toMatchObject({ code: "AR_TASKS_NOT_LOADABLE" });
    expect(thrownBy(() => offloader.offload("sendMail")).code).toBe("AR_TASKS_NOT_LOADABLE");
    tasks.restore();
    await offloader.ready();
    expect(await offloader.run("optimizeImage", { key: "cat" })).toBe("optimized cat");
  });

  it("runs 1,000 tasks", async () => {
    const { offloader, tasks } = await startApp({ mode: "inline", tasks: () => import("./fixtures/tasks.mjs") });
    for (let i = 0; i < 1_000; i++) offloader.offload("sendMail");
    await tasks.settled();
    expect(new Set(tasks.offloaded("sendMail").map(({ state }) => state))).toEqual(new Set(["succeeded"]));
  });
});

describe("advance()", () => {
  it("brings the next attempt: without it the clock stands still", async () => {
    const { offloader, tasks } = await startApp({ mode: "inline" });
    const handle = offloader.offload("flaky", { attempts: [1, 2] }, { attempts: 3, backoff: 60_000 });
    await tasks.settled();
    expect(handle.state).toBe("delayed");
    await tasks.advance(59_999);
    expect(handle.state).toBe("delayed");
    await tasks.advance(1);
    await tasks.settled();
    await tasks.advance(60_000);
    await tasks.settled();
    expect(await handle.result()).toBe(3);
  });

  it("brings the timeout of a task", async () => {
    const { offloader, tasks } = await startApp({ mode: "inline" });
    const handle = offloader.offload("waits", undefined, { timeout: 30_000 });
    await tasks.waitFor("waits", undefined, "running");
    await tasks.advance(30_000);
    await tasks.settled();
    expect(await rejection(handle.result())).toMatchObject({ code: "AR_TIMEOUT" });
  });

  it("brings the next attempt of a callback", async () => {
    const { tasks, post } = await startApp({}, { defaults: { attempts: 2, backoff: 60_000 } });
    await post("/fails-once");
    await tasks.settled();
    expect(tasks.callbacks("failsOnce")).toMatchObject([{ state: "delayed", attempt: 1 }]);
    await tasks.advance(60_000);
    await tasks.settled();
    expect(tasks.callbacks("failsOnce")).toMatchObject([{ state: "succeeded", attempt: 2 }]);
  });

  it("needs a kit whose clock stands still", async () => {
    const { tasks } = await startApp({ mode: "threads" });
    expect(await rejection(tasks.advance(1))).toMatchObject({ code: "AR_INVALID_ARGUMENT" });
  });

  it("leaves the time that is left to the real clock when the kit is gone", async () => {
    const { offloader, tasks } = await startApp({ mode: "inline" });
    await tasks.advance(3_600_000);
    tasks.restore();
    const handle = offloader.offload("flaky", { attempts: [1] }, { attempts: 2, backoff: 10 });
    expect(await handle.result()).toBe(2);
  });
});

describe("fail()", () => {
  it("has every attempt of a task fail, until the test is cleared", async () => {
    const { offloader, tasks } = await startApp();
    tasks.fail("sendMail", new RangeError("no connection"));
    const handle = offloader.offload("sendMail", undefined, { attempts: 2, backoff: 1_000 });
    await tasks.settled();
    expect(handle.state).toBe("delayed");
    await tasks.advance(1_000);
    await tasks.settled();
    const error = await rejection(handle.result());
    expect(error).toMatchObject({ name: "RangeError", message: "no connection" });
    await tasks.clear();
    const kept = offloader.offload("sendMail");
    await tasks.settled();
    expect(kept.state).toBe("queued");
  });

  it("has so many attempts fail", async () => {
    const { offloader, tasks } = await startApp({ mode: "inline" });
    tasks.fail("sendMail", new Error("busy"), { times: 1 });
    const handle = offloader.offload("sendMail", undefined, { attempts: 2, backoff: 1_000 });
    await tasks.settled();
    await tasks.advance(1_000);
    await tasks.settled();
    expect(handle.state).toBe("succeeded");
    expect(tasks.offloaded("sendMail")).toMatchObject([{ attempt: 2 }]);
  });
});

describe("perform()", () => {
  it("calls the function of a task with a copy of the payload, and records what it offloads", async () => {
    const { tasks } = await startApp();
    const payload = { key: "a" };
    expect(await tasks.perform("changes", payload)).toEqual({ key: "changed" });
    expect(payload).toEqual({ key: "a" });
    const aborted = AbortSignal.abort();
    const given = { attempt: 3, context: { request: "r-1" }, signal: aborted };
    expect(await tasks.perform("about", undefined, given)).toEqual({
      attempt: 3,
      context: { request: "r-1" },
      aborted: true,
      task: "about",
    });
    await tasks.perform("fansOut", { keys: ["a"] });
    expect(tasks.offloaded().map(({ task }) => task)).toEqual(["optimizeImage"]);
  });

  it("rejects with what the task threw, and for a name that no task has", async () => {
    const { tasks } = await startApp({ mode: "threads" });
    expect(await rejection(tasks.perform("flaky", { attempts: [1] }))).toMatchObject({ name: "RangeError" });
    expect(await rejection(tasks.perform("flakey" as never))).toMatchObject({
      code: "AR_UNKNOWN_TASK",
      message: expect.stringMatching(/did you mean flaky\?/),
    });
  });
});

describe("settled() and waitFor()", () => {
  it("find the past and the future", async () => {
    const { offloader, tasks } = await startApp({ mode: "threads" });
    const coming = tasks.waitFor("optimizeImage", { key: "b" }, "succeeded");
    offloader.offload("optimizeImage", { key: "a" });
    offloader.offload("optimizeImage", { key: "b" });
    expect(await coming).toMatchObject({ payload: { key: "b" }, result: "optimized b" });
    await tasks.settled();
    expect(await tasks.waitFor("optimizeImage", { key: "a" }, "running")).toMatchObject({ state: "succeeded" });
  });

  it("reject with what a predicate throws, which the application's call does not see", async () => {
    const { offloader, tasks } = await startApp({ mode: "threads" });
    const coming = rejection(
      tasks.waitFor("optimizeImage", () => {
        throw new RangeError("of the test");
      }),
    );
    expect(await offloader.run("optimizeImage", { key: "a" })).toBe("optimized a");
    expect(await coming).toMatchObject({ name: "RangeError", message: "of the test" });
  });

  it("say what they have waited for", async () => {
    const { offloader, tasks } = await startApp({ mode: "inline" });
    offloader.offload("waits", undefined);
    const late = await rejection(tasks.settled({ timeout: 20 }));
    // The first line of the stack is the test's.
    expect(late.stack?.split("\n").find((line) => /^ +at /.test(line))).not.toMatch(/src|dist\//);
    expect(late.stack).toMatch(/inline\.test|offloader\.ts/);
    expect(late.message).toMatch(/after 20 ms this still goes on:\n {2}waits.*running[\s\S]*call advance\(ms\)/);
    const missing = await rejection(tasks.waitFor("optimizeImage", { key: "a" }, "succeeded", { timeout: 20 }));
    expect(missing.message).toMatch(
      /waited 20 ms for optimizeImage\(\{ key: 'a' \}\) to be succeeded; no optimizeImage/,
    );
    const misspelled = tasks.waitFor("sendMale" as never, undefined, undefined, { timeout: 20 });
    expect((await rejection(misspelled)).message).toMatch(/exports no function "sendMale" \(did you mean sendMail\?\)/);
    expect((await rejection(tasks.waitFor(5 as never))).message).toMatch(/waitFor: expected a name, a string, got 5/);
  });
});

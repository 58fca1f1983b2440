import { describe, expect, it } from "vitest";
import { closeBy, closeTarget } from "../../../src/shutdown/steps/close.js";
import { Deadline } from "../../../src/shutdown/steps/deadline.js";
import { FakeTarget } from "../fake-target.js";

const never = new Promise<never>(() => {});

describe("close()", () => {
  it("waits for what is unfinished, then closes admission, then ends the threads", async () => {
    const target = new FakeTarget();
    target.start("a");
    const closing = closeTarget(target);
    expect(target.calls).toEqual(["announceDraining"]);
    target.end("a");
    const report = await closing;
    expect(target.calls).toEqual(["announceDraining", "refuse", "endThreads(time)"]);
    expect(report).toMatchObject({ completed: 1, failed: 0, abandoned: [], journaled: 0 });
  });

  it("counts what ended during the drain, by end", async () => {
    const target = new FakeTarget();
    target.start("before");
    target.end("before");
    for (const id of ["a", "b", "c", "d"]) target.start(id);
    const closing = closeTarget(target);
    target.end("a");
    target.end("b", "failed");
    target.end("c", "cancelled");
    target.end("d", "skipped");
    expect(await closing).toMatchObject({ completed: 3, failed: 1 });
  });

  it("abandons what waits before it aborts what runs, so that nothing starts at the deadline", async () => {
    const target = new FakeTarget();
    target.start("running");
    target.start("waiting", "queued");
    const report = await closeTarget(target, { timeout: 100 });
    expect(target.calls).toEqual([
      "announceDraining",
      "refuse",
      "abandonWaiting",
      "abortRunning",
      "abandonRunning",
      "endThreads(time)",
    ]);
    expect(report.abandoned).toEqual([
      { id: "waiting", task: "work", state: "queued", attempt: 0 },
      { id: "running", task: "work", state: "running", attempt: 1 },
    ]);
    expect(target.lines).toContain("warn: shutdown: no time left for 2 tasks (work: 1 running, 1 queued); aborting");
  });

  it("does not wait for the rest of the time when the abort ends what runs", async () => {
    const target = new FakeTarget();
    target.endsOnAbort = true;
    target.start("a");
    const deadline = new Deadline(performance.now() + 60_000, 60_000);
    const report = await closeBy(target, deadline);
    expect(report.abandoned.map(({ id }) => id)).toEqual(["a"]);
    expect(deadline.left("abandon")).toBeGreaterThan(10_000);
  });

  it("tells onAbandoned what is lost before any thread ends", async () => {
    const target = new FakeTarget();
    target.start("a");
    const seen: unknown[] = [];
    await closeTarget(target, {
      timeout: 50,
      onAbandoned: async (tasks) => {
        await new Promise(setImmediate);
        seen.push(
          tasks.map(({ id }) => id),
          target.calls.at(-1),
        );
      },
    });
    expect(seen).toEqual([["a"], "abandonRunning"]);
  });

  it("does not call onAbandoned when nothing is", async () => {
    let called = false;
    await closeTarget(new FakeTarget(), {
      onAbandoned: () => {
        called = true;
      },
    });
    expect(called).toBe(false);
  });

  it.each([
    {
      name: "hangs",
      onAbandoned: () => never,
      line: "error: shutdown: onAbandoned took too long, going on without it",
    },
    {
      name: "throws",
      onAbandoned: () => {
        throw new Error("disk full");
      },
      line: "error: shutdown: onAbandoned failed",
    },
    {
      name: "rejects",
      onAbandoned: () => Promise.reject(new Error("disk full")),
      line: "error: shutdown: onAbandoned failed",
    },
  ])("goes on when onAbandoned $name", async ({ onAbandoned, line }) => {
    const target = new FakeTarget();
    target.start("a");
    const { abandoned } = await closeTarget(target, { timeout: 50, onAbandoned });
    expect(abandoned).toHaveLength(1);
    expect(target.lines).toContain(line);
    expect(target.calls.at(-1)).toBe("endThreads(time)");
  });

  it("goes on when the threads hang or fail to end", async () => {
    const hanging = new FakeTarget();
    hanging.threadsEnd = () => never;
    await closeTarget(hanging, { timeout: 50 });
    expect(hanging.lines.at(-2)).toContain("the threads took too long to end");
    const failing = new FakeTarget();
    failing.threadsEnd = () => Promise.reject(new Error("no"));
    await closeTarget(failing, { timeout: 50 });
    expect(failing.lines.at(-2)).toContain("the threads did not end in order");
  });

  it("is one drain with one report however often it is called", async () => {
    const target = new FakeTarget();
    const first = closeTarget(target);
    expect(closeTarget(target)).toBe(first);
    await first;
    expect(closeTarget(target)).toBe(first);
    expect(target.calls.filter((call) => call === "refuse")).toHaveLength(1);
  });

  it("ends sooner when a later call has less time", async () => {
    const target = new FakeTarget();
    target.start("a");
    const first = closeTarget(target, { timeout: 60_000 });
    closeTarget(target, { timeout: 50 });
    expect((await first).abandoned).toHaveLength(1);
  });

  it("refuses options that are not its own", () => {
    expect(() => closeTarget(new FakeTarget(), { timeout: -1 })).toThrow(
      /close: expected timeout to be a number of milliseconds from 0 to \d+, got -1/,
    );
    expect(() => closeTarget(new FakeTarget(), { timeOut: 5 } as object)).toThrow(/unknown option timeOut .*timeout/);
  });
});

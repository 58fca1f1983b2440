// The contract of src/engine/engine.ts as tests, the same for every engine. They stand on the real ledger, events and
// scheduler, and wait for events.
//
// An engine on the main thread cannot do all that threads do:
//
// | what a task does | on a thread | on the main thread |
// | --- | --- | --- |
// | blocks, in a loop or a synchronous call | the other threads and the main thread go on | everything waits: no timeout, no signal |
// | goes on after its signal aborted | its thread is terminated after the grace | it is given up after the grace, and goes on |
// | calls process.exit(), crashes, fills the memory | it fails, a new thread takes the place | the process ends |
// | changes what it was given, or what it returned | nobody sees it | inline: the same; a callback shares what it closes over |
// | leaves a rejection that nobody handles | it is logged | the process decides, as about any other |
// | dispatches another by task.offload() | accepted, or refused with the code | inline: the same; a callback has its offloader |
// | reports progress | event `progress` | inline: the same; a callback has nothing to report by |
//
// So no task of this suite blocks or ends its process.
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { OffloadError } from "../../src/base/errors.js";
import { turn } from "../../src/base/time.js";
import { restore } from "../../src/core/payload/restore.js";
import type { Task } from "../../src/core/task.js";
import { Gate } from "../support/gate.js";
import { rejection } from "../support/offloader.js";
import { ids } from "../support/tasks.js";
import { abortGrace, countLooks, type EngineUnderTest, Subject } from "./subject.js";

const reason = new OffloadError("AR_CANCELLED", "stopped by the test");

/** Defines the tests for one engine. */
export function testEngine(under: EngineUnderTest): void {
  let subject: Subject;
  const isTask = under.kind === "task";

  async function start(concurrency = 1): Promise<Subject> {
    const made = new Subject(under, concurrency);
    onTestFinished(async () => {
      made.host.scheduler.abandonRunning();
      await made.engine.close(1_000);
    });
    made.host.start();
    made.engine.prepare();
    if (isTask) await made.host.ready;
    return made;
  }

  /** Lets everything happen that is going to happen without a further cause. */
  async function quiet(): Promise<void> {
    for (let i = 0; i < 20; i++) await turn();
  }

  describe("a task", () => {
    beforeEach(async () => {
      subject = await start();
    });

    it("does not start within the call that adds it", async () => {
      const tasks = subject.addMany(3, "echo", 1);
      expect(tasks.map(({ state }) => state)).toEqual(["queued", "queued", "queued"]);
      await subject.idle();
      expect(tasks.map(({ state }) => state)).toEqual(["succeeded", "succeeded", "succeeded"]);
    });

    it("is reported as started, with its attempt, before its code begins", async () => {
      const startedAt = new Map<Task, bigint>();
      const { started } = subject.host.reports;
      subject.host.reports.started = (task) => {
        startedAt.set(task, process.hrtime.bigint());
        started(task);
      };
      for (let round = 0; round < 5; round++) {
        const task = subject.add("begins");
        const begunAt = await subject.result(task);
        expect(begunAt).toBeGreaterThan(startedAt.get(task) ?? 0n);
        expect(subject.story(task)).toEqual(["accepted", "queued", "started", "succeeded"]);
        expect(task.attempt).toBe(1);
      }
    });

    it("tells how long it has waited for its turn", async () => {
      const gate = new Gate();
      subject.add("waits", { gate: gate.memory });
      await gate.arrival();
      const before = performance.now();
      const second = subject.add("waits", { gate: gate.memory });
      const from = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 30));
      const waited = performance.now() - from;
      gate.open();
      await subject.idle();
      const started = subject.host.heard.find(({ name, event }) => name === "started" && event.id === second.id);
      // The clock of the records counts tenths of a millisecond.
      expect(started?.event.waitMs).toBeGreaterThanOrEqual(waited - 0.2);
      expect(started?.event.waitMs).toBeLessThanOrEqual(performance.now() - before + 0.2);
    });

    it("succeeds with the value that its code returned, at once or later", async () => {
      const gate = new Gate();
      gate.open();
      expect(await subject.result(subject.add("echo", "at once"))).toBe("at once");
      expect(await subject.result(subject.add("waits", { gate: gate.memory, value: { deep: [1] } }))).toEqual({
        deep: [1],
      });
      expect(await subject.result(subject.add("nothing"))).toBeUndefined();
    });

    it("fails with the error that its code threw: name, message, code, own fields and cause", async () => {
      const task = subject.add("fails");
      const error = await rejection(subject.result(task));
      expect(error).toMatchObject({ name: "DiskError", message: "no space left", code: "ENOSPC", path: "/tmp/x" });
      expect(error.cause).toBeInstanceOf(RangeError);
      expect(error.cause).toMatchObject({ message: "17 bytes short" });
      expect(await rejection(subject.result(subject.add("rejects")))).toMatchObject({ code: "ENOSPC" });
      expect([task.state, task.attempt]).toEqual(["failed", 1]);
    });

    it("has its further attempts after their backoff, and its code knows which one it is", async () => {
      const task = subject.add("failsOnAttempt", { attempts: [1, 2] }, { attempts: 3, backoff: (attempt) => attempt });
      expect(await subject.result(task)).toBe(3);
      expect(subject.story(task).join(" ")).toBe(
        "accepted queued started retrying queued started retrying queued started succeeded",
      );
      const retries = subject.host.heard.filter(({ name }) => name === "retrying");
      expect(retries.map(({ event }) => [event.attempt, Reflect.get(event, "delayMs")])).toEqual([
        [1, 1],
        [2, 2],
      ]);
    });

    it("fails once its attempts are used up, with the error of the last", async () => {
      const task = subject.add("failsOnAttempt", { attempts: [1, 2, 3] }, { attempts: 2 });
      expect((await rejection(subject.result(task))).message).toBe("attempt 2");
    });

    it("that throws a NonRetryableError has no further attempt", async () => {
      const task = subject.add("neverAgain", undefined, { attempts: 5 });
      expect((await rejection(subject.result(task))).message).toBe("no such user");
      expect(task.attempt).toBe(1);
    });
  });

  describe("a task that offloads another", () => {
    beforeEach(async () => {
      subject = await start();
    });

    it.runIf(isTask)("has it accepted in its own name and context, and is told its id", async () => {
      const task = subject.add("offloads", { payload: { rows: [1, 2] }, options: { priority: "low", key: "k" } });
      expect(await subject.result(task)).toEqual({ id: "follow-up-1" });
      const [followUp] = subject.host.followUps;
      expect(followUp).toMatchObject({ name: "echo", payload: { rows: [1, 2] }, parent: task.id });
      expect(followUp?.options).toEqual({ priority: "low", key: "k" });
      expect(restore(followUp?.context)).toEqual({ request: "r-1" });
    });

    it.runIf(isTask)("is told the refusal", async () => {
      subject.host.followUp = () => {
        throw new OffloadError("AR_QUEUE_FULL", "no room");
      };
      expect(await subject.result(subject.add("offloads", {}))).toEqual({
        refused: "AR_QUEUE_FULL",
        message: "no room",
      });
    });
  });

  describe("the signal of a task", () => {
    it("may be given to twenty operations without a warning", async () => {
      subject = await start();
      expect(await subject.result(subject.add("sharesSignal"))).toEqual([]);
    });
  });

  describe("several tasks", () => {
    it("of one lane start in their order, one after the other, where one runs at a time", async () => {
      subject = await start();
      const tasks = subject.addMany(20, "echo");
      await subject.idle();
      expect(subject.order("started")).toEqual(ids(tasks));
      expect(subject.order("succeeded")).toEqual(ids(tasks));
    });

    it("start by their priority", async () => {
      subject = await start();
      const gate = new Gate();
      const first = subject.add("waits", { gate: gate.memory });
      await gate.arrival();
      const [low, normal, high] = (["low", "normal", "high"] as const).map((priority) =>
        subject.add("echo", priority, { priority }),
      );
      gate.open();
      await subject.idle();
      expect(subject.order("succeeded")).toEqual(ids([first, high, normal, low]));
    });

    it("run at the same time up to the engine's limit", async () => {
      subject = await start(3);
      const gate = new Gate();
      const tasks = subject.addMany(5, "waits", { gate: gate.memory });
      await gate.arrival(3);
      await quiet();
      expect(gate.arrived).toBe(3);
      gate.open();
      await subject.idle();
      expect(tasks.map(({ state }) => state)).toEqual(new Array(5).fill("succeeded"));
    });

    it("of a name with a limit keep it, and let the others pass", async () => {
      subject = await start(3);
      const gate = new Gate();
      subject.define("waits", { concurrency: 1 });
      const limited = subject.addMany(4, "waits", { gate: gate.memory });
      await gate.arrival();
      expect(await subject.result(subject.add("echo", "passes"))).toBe("passes");
      expect(limited.map(({ state }) => state)).toEqual(["running", "queued", "queued", "queued"]);
      gate.open();
      await subject.idle();
      expect(subject.order("succeeded").slice(1)).toEqual(ids(limited));
      let running = 0;
      for (const { name, event } of subject.host.heard) {
        if (event.task !== "waits") continue;
        if (name === "started") expect(++running).toBe(1);
        if (name === "succeeded") running--;
      }
    });

    it("succeed although one among them fails", async () => {
      subject = await start(2);
      const tasks = [...subject.addMany(5, "echo"), subject.add("fails"), ...subject.addMany(5, "echo")];
      await subject.idle();
      expect(tasks.map(({ state }) => state)).toEqual([
        ...new Array(5).fill("succeeded"),
        "failed",
        ...new Array(5).fill("succeeded"),
      ]);
      for (const task of tasks) expect(subject.story(task)).toHaveLength(4);
    });
  });

  describe("a task that is removed", () => {
    it("never runs, and the others run in their order", async () => {
      subject = await start();
      const gate = new Gate();
      const first = subject.add("waits", { gate: gate.memory });
      await gate.arrival();
      const tasks = subject.addMany(6, "waits", { gate: gate.memory });
      for (const index of [0, 3, 5]) expect(subject.cancel(tasks[index] as Task)).toBe(true);
      gate.open();
      await subject.idle();
      expect(subject.order("succeeded")).toEqual(ids([first, tasks[1], tasks[2], tasks[4]]));
      expect(gate.arrived).toBe(4);
    });

    it("costs a bounded number of looks, however many wait and in whatever order they are removed", async () => {
      subject = await start();
      const gate = new Gate();
      subject.add("waits", { gate: gate.memory });
      await gate.arrival();
      const tasks = subject.addMany(10_000, "echo");
      const looks = { count: 0 };
      for (const task of tasks) countLooks(task, looks);
      for (const task of [...tasks].reverse()) subject.cancel(task);
      const next = subject.add("echo", "next");
      gate.open();
      expect(await subject.result(next)).toBe("next");
      expect(looks.count / tasks.length).toBeLessThan(20);
    });

    it("leaves its turn to the next of a name with a limit", async () => {
      subject = await start(2);
      const gate = new Gate();
      subject.define("waits", { concurrency: 1 });
      const tasks = subject.addMany(4, "waits", { gate: gate.memory });
      await gate.arrival();
      // Whichever of them the engine has at hand as the next one.
      const off = subject.host.events.on("succeeded", ({ id }) => {
        if (id === tasks[0]?.id) subject.cancel(tasks[1] as Task);
      });
      gate.open();
      await subject.idle();
      off();
      expect(subject.order("succeeded")).toEqual(ids([tasks[0], tasks[2], tasks[3]]));
    });
  });

  describe("a task that is to stop", () => {
    it("has its signal aborted while it runs, and ends for that reason once its code has ended", async () => {
      subject = await start();
      const gate = new Gate();
      const task = subject.add("listens", { gate: gate.memory }, { attempts: 3 });
      await gate.arrival();
      expect(subject.cancel(task)).toBe(true);
      expect(task.state).toBe("running");
      expect(await rejection(subject.result(task))).toMatchObject({ code: "AR_CANCELLED" });
      expect(subject.answers).toEqual(["stopping"]);
      expect(Atomics.load(gate.memory, 0)).toBe(isTask ? 7 : 1);
      expect(subject.story(task)).toEqual(["accepted", "queued", "started", "cancelled"]);
    });

    it("is taken back, or stops, where it has been started and may not have begun", async () => {
      subject = await start();
      const gate = new Gate();
      const off = subject.host.events.on("started", () => {
        off();
        subject.cancel(task);
      });
      const task = subject.add("listens", { gate: gate.memory });
      await subject.idle();
      expect(task.state).toBe("cancelled");
      const [answer] = subject.answers;
      expect(["unbegun", "stopping"]).toContain(answer);
      if (answer === "unbegun") expect(gate.arrived).toBe(0);
      expect(await subject.result(subject.add("echo", "next"))).toBe("next");
    });

    it("cannot be stopped twice, nor once it has ended", async () => {
      subject = await start();
      const gate = new Gate();
      const [running, ended] = [subject.add("listens", { gate: gate.memory }), subject.add("echo")];
      await gate.arrival();
      expect([subject.cancel(running), subject.cancel(running)]).toEqual([true, false]);
      await subject.idle();
      expect(subject.answers).toEqual(["stopping", "ended"]);
      expect(subject.engine.stop(ended, reason)).toBe("ended");
      expect(subject.engine.stop(running, reason)).toBe("ended");
      expect(ended.state).toBe("succeeded");
    });

    it("is reported at the latest after the grace where its code goes on, and its place is free", async () => {
      subject = await start();
      const gate = new Gate();
      const from = performance.now();
      const task = subject.add("ignores", { gate: gate.memory });
      const next = subject.add("echo", "next");
      await gate.arrival();
      subject.cancel(task);
      expect(await rejection(subject.result(task))).toMatchObject({ code: "AR_CANCELLED" });
      expect(performance.now() - from).toBeGreaterThan(abortGrace - 1);
      expect(await subject.result(next)).toBe("next");
    });

    it("fails when it runs longer than its timeout, with its signal aborted", async () => {
      subject = await start();
      const gate = new Gate();
      const task = subject.add("listens", { gate: gate.memory }, { timeout: 30 });
      expect(await rejection(subject.result(task))).toMatchObject({ code: "AR_TIMEOUT" });
      expect(task.state).toBe("failed");
      expect(Atomics.load(gate.memory, 0)).toBeGreaterThan(0);
    });

    it("has another attempt after a timeout, where one is left", async () => {
      subject = await start();
      const gate = new Gate();
      const task = subject.add("listens", { gate: gate.memory }, { timeout: 30, attempts: 2 });
      expect(await rejection(subject.result(task))).toMatchObject({ code: "AR_TIMEOUT" });
      expect([task.attempt, gate.arrived]).toEqual([2, 2]);
    });

    it("has no other attempt when it is cancelled while it stops for its timeout", async () => {
      subject = await start();
      const gate = new Gate();
      const task = subject.add("ignores", { gate: gate.memory }, { timeout: 30, attempts: 2 });
      await gate.arrival();
      while (task.abortedBy === undefined) await turn();
      expect(subject.cancel(task)).toBe(true);
      expect(await rejection(subject.result(task))).toMatchObject({ code: "AR_CANCELLED" });
      expect([task.state, task.attempt]).toEqual(["cancelled", 1]);
    });
  });

  describe("an engine that is paused", () => {
    it("starts nothing while what runs goes on, and starts all of it when it is resumed", async () => {
      subject = await start(2);
      const gate = new Gate();
      const running = subject.add("waits", { gate: gate.memory });
      await gate.arrival();
      subject.host.scheduler.pauses.pause();
      const waiting = subject.addMany(3, "echo");
      gate.open();
      await subject.result(running);
      await quiet();
      expect(waiting.map(({ state }) => state)).toEqual(["queued", "queued", "queued"]);
      subject.host.scheduler.pauses.resume();
      await subject.idle();
      expect(subject.order("started")).toEqual(ids([running, ...waiting]));
    });

    it("for one name starts the others", async () => {
      subject = await start(2);
      const gate = new Gate();
      const running = subject.add("waits", { gate: gate.memory });
      await gate.arrival();
      subject.host.scheduler.pauses.pause("waits");
      const waiting = subject.addMany(3, "waits", { gate: gate.memory });
      gate.open();
      await subject.result(running);
      expect(await subject.result(subject.add("echo", "passes"))).toBe("passes");
      expect(waiting.map(({ state }) => state)).toEqual(["queued", "queued", "queued"]);
      subject.host.scheduler.pauses.resume("waits");
      await subject.idle();
      expect(waiting.map(({ state }) => state)).toEqual(["succeeded", "succeeded", "succeeded"]);
    });

    it("lets its waiting tasks be removed, and starts the others afterwards", async () => {
      subject = await start();
      subject.host.scheduler.pauses.pause("echo");
      const tasks = subject.addMany(4, "echo");
      await quiet();
      subject.cancel(tasks[0] as Task);
      subject.cancel(tasks[2] as Task);
      subject.host.scheduler.pauses.resume("echo");
      await subject.idle();
      expect(subject.order("succeeded")).toEqual(ids([tasks[1], tasks[3]]));
    });
  });

  describe("an engine at its end", () => {
    it("that is halted starts nothing any more and gives back what has not begun; what runs is reported", async () => {
      subject = await start();
      const gate = new Gate();
      const running = subject.add("waits", { gate: gate.memory });
      await gate.arrival();
      const waiting = subject.addMany(5, "echo");
      await quiet();
      subject.engine.halt();
      expect(waiting.map(({ state, attempt }) => [state, attempt])).toEqual(new Array(5).fill(["queued", 0]));
      gate.open();
      await subject.result(running);
      waiting.push(subject.add("echo"));
      await quiet();
      expect(waiting.map(({ state }) => state)).toEqual(new Array(6).fill("queued"));
      expect(running.state).toBe("succeeded");
    });

    it("has its tasks abandoned at the deadline: those that stop, those that go on, those that wait", async () => {
      subject = await start(2);
      const [stops, goesOn] = [new Gate(), new Gate()];
      const tasks = [subject.add("listens", { gate: stops.memory }), subject.add("ignores", { gate: goesOn.memory })];
      await Promise.all([stops.arrival(), goesOn.arrival()]);
      tasks.push(subject.add("echo"));
      subject.host.scheduler.abortRunning(new OffloadError("AR_ABANDONED", "the deadline came"));
      await subject.idle();
      expect(tasks.map(({ state }) => state)).toEqual(["abandoned", "abandoned", "abandoned"]);
      for (const task of tasks) expect(await rejection(subject.result(task))).toMatchObject({ code: "AR_ABANDONED" });
      expect(Atomics.load(stops.memory, 0)).toBeGreaterThan(0);
    });

    it("closes within its time, whatever runs", async () => {
      subject = await start();
      const gate = new Gate();
      subject.add("ignores", { gate: gate.memory });
      await gate.arrival();
      await subject.engine.close(100);
      // A second time it has nothing to do.
      await subject.engine.close(100);
    });

    it("closes at once where nothing runs, also before it was ready", async () => {
      const unready = new Subject(under, 1);
      unready.host.start();
      await unready.engine.close(5_000);
      subject = await start();
      await subject.result(subject.add("echo"));
      await subject.engine.close(5_000);
    });

    it("changes nothing by a report about a task that the core has ended", async () => {
      subject = await start();
      const gate = new Gate();
      const task = subject.add("waits", { gate: gate.memory });
      await gate.arrival();
      subject.host.scheduler.abandonRunning();
      const story = subject.story(task);
      expect(story.at(-1)).toBe("abandoned");
      const next = subject.add("echo", "next");
      gate.open();
      // Its place is free once the engine has reported it.
      expect(await subject.result(next)).toBe("next");
      expect([task.state, subject.story(task)]).toEqual(["abandoned", story]);
    });
  });

  describe.runIf(isTask)("what a task is given and gives", () => {
    beforeEach(async () => {
      subject = await start();
    });

    it("arrives as it was captured, whatever the caller does with it afterwards", async () => {
      const payload = {
        buffer: Buffer.from("hi"),
        url: new URL("https://example.com/a?b=c"),
        error: Object.assign(new TypeError("not a number", { cause: new Error("why") }), { code: "E_NUMBER" }),
        nested: { list: [1, { two: 2 }] },
        map: new Map([["key", 1]]),
      };
      const task = subject.add("inspects", payload);
      payload.buffer.fill(0);
      payload.url.pathname = "/changed";
      payload.nested.list.push(3);
      payload.map.clear();
      expect(await subject.result(task)).toEqual({
        buffer: "aGk=",
        url: "https://example.com/a?b=c",
        error: ["TypeError", "not a number", "E_NUMBER", "why"],
        nested: { list: [1, { two: 2 }] },
        map: [["key", 1]],
      });
    });

    it("arrives in a flat object as it was at the call", async () => {
      const payload = { first: 1 };
      const task = subject.add("echo", payload);
      payload.first = 2;
      expect(await subject.result(task)).toEqual({ first: 1 });
    });

    it.each([{ first: "as given" }, { first: "as given", deeper: { second: "as given" } }])(
      "is the same on a further attempt, although the one before it has changed it: %j",
      async (payload) => {
        expect(await subject.result(subject.add("changesPayload", payload, { attempts: 2 }))).toEqual(payload);
      },
    );

    it("includes its id, name, attempt and context", async () => {
      const task = subject.add("about");
      expect(await subject.result(task)).toEqual({
        ...{ id: task.id, task: "about", attempt: 1 },
        context: { request: "r-1" },
      });
    });

    it("includes the same context on a further attempt, although the one before it has changed it", async () => {
      const task = subject.add("changesContext", undefined, { attempts: 2 });
      expect(await subject.result(task)).toEqual({ request: "r-1" });
      const contexts = subject.host.heard.map(({ event }) => event.context);
      expect(contexts).toEqual(contexts.map(() => ({ request: "r-1" })));
    });

    it("is reported as progress in its order, before its end", async () => {
      const values = [1, "two", { three: [3] }];
      const task = subject.add("reports", { values });
      await subject.idle();
      const own = subject.host.heard.filter(({ event }) => event.id === task.id);
      expect(own.slice(3, -1).map(({ event }) => Reflect.get(event, "value"))).toEqual(
        values.map((value) => ({ value })),
      );
      expect(own.map(({ name }) => name).slice(2)).toEqual([
        ...["started", "progress", "progress", "progress"],
        "succeeded",
      ]);
    });

    it("succeeds with a lost result where that cannot be cloned", async () => {
      const task = subject.add("returnsFunction");
      const error = await rejection(subject.result(task));
      expect(error).toMatchObject({ code: "AR_RESULT_NOT_CLONEABLE" });
      expect(error.message).toContain("result.fn");
      expect(task.state).toBe("succeeded");
    });

    it("is known by name once the engine is ready", () => {
      expect(subject.host.names[0]).toContain("inspects");
    });
  });
}

// Tasks without a timeout that run for long: when each is reported, what the log says, and that one timer is enough for all.
import { describe, expect, it } from "vitest";
import { ticks } from "../../../src/base/ticks.js";
import type { Dispatch, Task } from "../../../src/core/task.js";
import { FakeClock } from "../../support/fake-clock.js";
import { createScheduler } from "../../support/fake-engine.js";
import { defineTask, makeTask } from "../../support/tasks.js";

const minute = 60_000;
const second = 1_000;

function create(reportsAfter = minute) {
  const clock = new FakeClock();
  const parts = createScheduler({ clock, reportsAfter });
  const { scheduler, reports, lines, recorded } = parts;
  function queued(dispatch: Partial<Dispatch> = {}, definition = parts.definitions.task("work")): Task {
    const task = makeTask(definition, dispatch);
    scheduler.move(() => {
      scheduler.accept(task);
      scheduler.release(task);
    });
    return task;
  }
  function running(...about: Parameters<typeof queued>): Task {
    const task = queued(...about);
    scheduler.move(() => reports.started(task));
    task.startedAt = ticks(clock.now());
    return task;
  }
  const logged = () => lines.filter(({ message }) => message.includes("running for long")).map(({ fields }) => fields);
  const events = () => recorded.filter(({ name }) => name === "longRunning").map(({ event }) => event);
  return { ...parts, clock, queued, running, logged, events };
}

describe("a task without a timeout", () => {
  it("is reported after a minute, with its id, since when it runs and how many wait, and then at growing intervals", () => {
    const { clock, queued, running, logged } = create();
    const task = running();
    queued();
    clock.advance(minute - second);
    expect(logged()).toEqual([]);
    clock.advance(2 * second);
    const report = { task: "work", count: 1, ids: [task.id], waiting: 1 };
    expect(logged()).toEqual([expect.objectContaining(report)]);
    const [{ runMs, since } = {}] = logged();
    expect(runMs).toBe(minute + second);
    expect(Math.abs(Date.parse(String(since)) + Number(runMs) - Date.now())).toBeLessThan(5_000);
    queued();
    clock.advance(14 * minute);
    const times = logged().map((each) => Math.floor(Number(each.runMs) / minute));
    expect(times).toEqual([1, 2, 4, 8]);
    expect(logged().map(({ waiting }) => waiting)).toEqual([1, 2, 2, 2]);
  });

  it("has an event each time, and is counted while it runs", async () => {
    const { scheduler, reports, clock, running, events, longRunning } = create();
    const task = running();
    running();
    clock.advance(minute + second);
    await Promise.resolve();
    expect(events()).toHaveLength(2);
    const event = { id: task.id, task: "work", attempt: 1, state: "running", runMs: minute + second, waiting: 0 };
    expect(events()[0]).toMatchObject(event);
    expect(longRunning.count).toBe(2);
    reports.succeeded(task, undefined);
    expect(longRunning.count).toBe(1);
    scheduler.abandonRunning();
    expect(longRunning.count).toBe(0);
  });

  it("is not reported if it has ended, has a timeout, or has begun another attempt", () => {
    const { reports, logged, scheduler, clock, running } = create();
    const ended = running();
    const again = running({ attempts: 2, backoff: 0 });
    running({ timeout: 10 * minute });
    clock.advance(minute / 2);
    reports.succeeded(ended, undefined);
    reports.failed(again, new Error("failed"), true);
    clock.advance(0);
    scheduler.move(() => reports.started(again));
    again.startedAt = ticks(clock.now());
    clock.advance(minute / 2 + 2 * second);
    expect(logged()).toEqual([]);
    clock.advance(minute / 2);
    expect(logged()).toEqual([expect.objectContaining({ ids: [again.id] })]);
  });

  it("shares a line with others of its name, and a callback shares none with a task", () => {
    const { clock, queued, running, definitions, logged } = create();
    for (let task = 0; task < 100; task++) running();
    running({}, definitions.callback("work"));
    queued({}, definitions.callback("other"));
    clock.advance(minute + second);
    expect(logged()).toEqual([
      expect.objectContaining({ count: 100, waiting: 0 }),
      expect.objectContaining({ count: 1, waiting: 1 }),
    ]);
    expect(logged()[0]?.ids).toHaveLength(20);
  });

  it("is not judged after a stop of the process before its end was read", () => {
    const { reports, clock, running, logged } = create();
    const task = running();
    clock.spend(10 * minute);
    clock.advance(0);
    expect(logged()).toEqual([]);
    reports.succeeded(task, undefined);
    clock.advance(10 * minute);
    expect(logged()).toEqual([]);
  });
});

describe("the report of what runs for long", () => {
  it("has one timer, whatever runs, and none when nothing does", () => {
    const { reports, clock, running } = create();
    const tasks = Array.from({ length: 1_000 }, () => running());
    expect(clock.armed).toBe(1);
    for (const task of tasks) reports.succeeded(task, undefined);
    clock.advance(minute + second);
    expect(clock.pending).toBe(0);
  });

  it("after Infinity sets no timer", () => {
    const { clock, running } = create(Number.POSITIVE_INFINITY);
    running({}, defineTask());
    expect(clock.armed).toBe(0);
  });
});

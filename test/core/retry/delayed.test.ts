// Tasks that wait for their next attempt: each is released at its time, with one timer for all.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Delayed } from "../../../src/core/retry/delayed.js";
import type { Task } from "../../../src/core/task.js";
import { FakeClock } from "../../support/fake-clock.js";
import { survivors } from "../../support/garbage.js";
import { ids, makeTask } from "../../support/tasks.js";

function create(): { delayed: Delayed; clock: FakeClock; released: [Task, number][] } {
  const clock = new FakeClock();
  const released: [Task, number][] = [];
  const delayed = new Delayed((task) => {
    task.state = "queued";
    released.push([task, clock.now()]);
  }, clock);
  return { delayed, clock, released };
}

function waiting(delayed: Delayed, delayMs: number): Task {
  const task = makeTask();
  task.state = "delayed";
  delayed.add(task, delayMs);
  return task;
}

function cancel(delayed: Delayed, task: Task): void {
  task.state = "cancelled";
  delayed.removed();
}

describe("delayed tasks", () => {
  it("are released when they are due, not before", () => {
    const { delayed, clock, released } = create();
    const task = waiting(delayed, 100);
    clock.advance(99);
    expect(released).toEqual([]);
    clock.advance(1);
    expect(released).toEqual([[task, 100]]);
    clock.advance(1_000);
    expect(released).toHaveLength(1);
  });

  it("are released each at its time, as a sorted list has it, whatever is added, cancelled and waited for in between", () => {
    const step = fc.oneof(
      fc.record({ act: fc.constant("add" as const), by: fc.nat(50) }),
      fc.record({ act: fc.constant("cancel" as const), by: fc.nat() }),
      fc.record({ act: fc.constant("advance" as const), by: fc.nat(30) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
        const { delayed, clock, released } = create();
        let model: { task: Task; due: number }[] = [];
        for (const { act, by } of steps) {
          if (act === "add") model.push({ task: waiting(delayed, by), due: clock.now() + by });
          else if (act === "cancel") {
            const victim = model[by % Math.max(1, model.length)];
            if (victim === undefined) continue;
            model = model.filter((other) => other !== victim);
            cancel(delayed, victim.task);
          } else {
            const from = released.length;
            clock.advance(by);
            const due = model.filter((entry) => entry.due <= clock.now());
            model = model.filter((entry) => entry.due > clock.now());
            expect(new Map(released.slice(from))).toEqual(new Map(due.map((entry) => [entry.task, entry.due])));
            const times = released.slice(from).map(([, at]) => at);
            expect(times).toEqual([...times].sort((a, b) => a - b));
          }
          expect(clock.pending).toBe(model.length > 0 ? 1 : 0);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("have one timer, set anew only for one that is due before the others", () => {
    const { delayed, clock } = create();
    waiting(delayed, 100);
    for (let i = 0; i < 1_000; i++) waiting(delayed, 100 + i);
    expect([clock.armed, clock.pending]).toEqual([1, 1]);
    waiting(delayed, 50);
    expect([clock.armed, clock.pending]).toEqual([2, 1]);
  });

  it("that are all due together are released by one timer", () => {
    const { delayed, clock, released } = create();
    for (let i = 0; i < 100; i++) waiting(delayed, 10);
    clock.advance(10);
    expect(released).toHaveLength(100);
    expect(clock.armed).toBe(1);
  });

  it("are released in slices where there are many, so that timers and sockets have their turns in between", () => {
    const clock = new FakeClock();
    const released: Task[] = [];
    const delayed = new Delayed((task) => {
      task.state = "queued";
      released.push(task);
      clock.spend(0.5);
    }, clock);
    const tasks = Array.from({ length: 12 }, () => waiting(delayed, 10));
    const slices: number[] = [];
    while (clock.fireNext()) slices.push(released.length);
    // At most 2 ms of work a slice: the release that crosses that is its last.
    expect(slices).toEqual([5, 10, 12]);
    expect(new Set(released)).toEqual(new Set(tasks));
    expect(clock.pending).toBe(0);
  });

  it("of a slice may cancel those of the next one, which are passed over", () => {
    const clock = new FakeClock();
    const released: Task[] = [];
    const delayed: Delayed = new Delayed((task) => {
      task.state = "queued";
      released.push(task);
      clock.spend(3);
      const next = tasks.find(({ state }) => state === "delayed");
      if (next !== undefined) cancel(delayed, next);
    }, clock);
    const tasks = Array.from({ length: 6 }, (_, index) => waiting(delayed, index));
    clock.advance(100);
    expect(ids(released)).toEqual(ids([tasks[0], tasks[2], tasks[4]]));
    expect(clock.pending).toBe(0);
  });

  it("leave no timer behind that would keep the process for one that was cancelled", () => {
    const { delayed, clock, released } = create();
    const [soon, later, hours] = [waiting(delayed, 10), waiting(delayed, 20), waiting(delayed, 3_600_000)];
    cancel(delayed, hours);
    clock.advance(20);
    expect(released.map(([task]) => task)).toEqual([soon, later]);
    expect(clock.pending).toBe(0);
    const last = waiting(delayed, 10);
    cancel(delayed, last);
    expect(clock.pending).toBe(0);
  });

  it("that were cancelled are not kept once no other waits, nor many of them beside one that does", async () => {
    const { delayed, clock, released } = create();
    const cancelAll = (count: number) => {
      const made = Array.from({ length: count }, (_, index) => new WeakRef(waiting(delayed, 1_000 + index)));
      for (const reference of made) cancel(delayed, reference.deref() as Task);
      return made;
    };
    const alone = cancelAll(50);
    const waits = waiting(delayed, 500);
    const beside = cancelAll(10_000);
    expect(await survivors(alone)).toBe(0);
    expect(await survivors(beside)).toBeLessThanOrEqual(1_025);
    clock.advance(500);
    expect(released).toEqual([[waits, 500]]);
  });

  it("may be added by the release of another", () => {
    const { clock, released } = create();
    const again: Delayed = new Delayed((task) => {
      if (released.push([task, clock.now()]) < 3) {
        again.add(task, 10);
      }
    }, clock);
    const task = makeTask();
    task.state = "delayed";
    again.add(task, 10);
    clock.advance(100);
    expect(released.map(([, at]) => at)).toEqual([10, 20, 30]);
  });

  it("with the clock of the process: released, at the earliest when they are due", async () => {
    const start = performance.now();
    await new Promise<void>((resolve) => {
      const delayed = new Delayed(() => resolve());
      waiting(delayed, 15);
    });
    expect(performance.now() - start).toBeGreaterThanOrEqual(15);
  });
});

// The order of the tasks that wait: by lane and by arrival, none for ever; and what it costs to cancel one.
import { describe, expect, it } from "vitest";
import type { Priority } from "../../../src/core/definition.js";
import type { TaskState } from "../../../src/core/states.js";
import type { Task } from "../../../src/core/task.js";
import { Lanes } from "../../../src/engine/queue/lanes.js";
import { survivors } from "../../support/garbage.js";
import { defineTask, ids, makeTask } from "../../support/tasks.js";

const definition = defineTask();

function queued(priority: Priority = "normal"): Task {
  const task = makeTask(definition, { priority });
  task.state = "queued";
  return task;
}

function fill(lanes: Lanes, counts: Partial<Record<Priority, number>>): void {
  for (const [priority, count] of Object.entries(counts) as [Priority, number][]) {
    for (let i = 0; i < count; i++) lanes.push(queued(priority));
  }
}

function cancel(lanes: Lanes, task: Task): void {
  lanes.remove();
  task.state = "cancelled";
}

function takeAll(lanes: Lanes): Task[] {
  const taken: Task[] = [];
  for (let task = lanes.take(); task !== undefined; task = lanes.take()) {
    task.state = "running";
    taken.push(task);
  }
  return taken;
}

describe("the lanes", () => {
  it("give the tasks of one lane in the order of their arrival", () => {
    const lanes = new Lanes();
    const tasks = Array.from({ length: 500 }, () => queued());
    for (const task of tasks) lanes.push(task);
    expect(ids(takeAll(lanes))).toEqual(ids(tasks));
  });

  it("give high before normal, normal before low", () => {
    const lanes = new Lanes();
    const [low, normal, high] = [queued("low"), queued("normal"), queued("high")];
    for (const task of [low, normal, high]) lanes.push(task);
    expect(ids(takeAll(lanes))).toEqual(ids([high, normal, low]));
  });

  it("let one in sixteen come from below while high never ends, and low at least one in 256", () => {
    const lanes = new Lanes();
    fill(lanes, { high: 2_000, normal: 2_000, low: 2_000 });
    const taken = Array.from({ length: 1_024 }, () => {
      const task = lanes.take();
      if (task) task.state = "running";
      return task?.dispatch.priority;
    });
    const count = (priority: Priority) => taken.filter((other) => other === priority).length;
    expect([count("high"), count("normal"), count("low")]).toEqual([960, 60, 4]);
    expect(taken.slice(0, 15).every((priority) => priority === "high")).toBe(true);
    for (let start = 0; start + 256 <= taken.length; start++) {
      expect(taken.slice(start, start + 256)).toContain("low");
    }
  });

  it("let low have the turns of a lane that is empty", () => {
    const lanes = new Lanes();
    fill(lanes, { low: 5 });
    expect(takeAll(lanes)).toHaveLength(5);
  });

  it("look ahead without taking", () => {
    const lanes = new Lanes();
    fill(lanes, { high: 40, normal: 40 });
    for (let i = 0; i < 80; i++) {
      const next = lanes.peek();
      expect(lanes.peek()).toBe(next);
      expect(lanes.take()).toBe(next);
      if (next) next.state = "running";
    }
    expect(lanes.peek()).toBeUndefined();
  });

  it("take one that may not run out of the way without counting that as a turn", () => {
    const lanes = new Lanes();
    fill(lanes, { high: 100, low: 1_000 });
    // Up to the turn of low; the low ones that are passed over then leave it the turn.
    const turn = Array.from({ length: 255 }, () => lanes.take()).length;
    expect(turn).toBe(255);
    const before = lanes.length;
    for (let i = 0; i < 10; i++) lanes.setAside();
    expect(lanes.length).toBe(before - 10);
    fill(lanes, { high: 1 });
    expect(lanes.take()?.dispatch.priority).toBe("low");
  });

  it("take one back at the head of its lane", () => {
    const lanes = new Lanes();
    const [first, second, third] = [queued(), queued(), queued()];
    for (const task of [first, second, third]) lanes.push(task);
    expect(lanes.take()).toBe(first);
    lanes.pushFront(first);
    expect(ids(takeAll(lanes))).toEqual(ids([first, second, third]));
  });

  it("pass over what was cancelled, and do not count it", () => {
    const lanes = new Lanes();
    const tasks = Array.from({ length: 9 }, (_, index) => queued((["high", "normal", "low"] as const)[index % 3]));
    for (const task of tasks) lanes.push(task);
    for (const index of [0, 4, 8]) cancel(lanes, tasks[index] as Task);
    expect(lanes.length).toBe(6);
    expect(ids(takeAll(lanes))).toEqual(ids([3, 6, 1, 7, 2, 5].map((index) => tasks[index])));
    expect(lanes.length).toBe(0);
  });

  it("keep count when everything was cancelled", () => {
    const lanes = new Lanes();
    const tasks = Array.from({ length: 100 }, () => queued());
    for (const task of tasks) lanes.push(task);
    for (const task of tasks) cancel(lanes, task);
    expect(lanes.length).toBe(0);
    expect(lanes.peek()).toBeUndefined();
    lanes.push(queued());
    expect(lanes.length).toBe(1);
  });

  it("sweep the cancelled out once they are many and more than the living", async () => {
    const lanes = new Lanes();
    const kept = Array.from({ length: 1_000 }, () => queued("low"));
    for (const task of kept) lanes.push(task);
    const cancelled = Array.from({ length: 5_000 }, () => {
      const task = queued("low");
      lanes.push(task);
      return new WeakRef(task);
    });
    for (const reference of cancelled) cancel(lanes, reference.deref() as Task);
    expect(lanes.length).toBe(1_000);
    expect(await survivors(cancelled)).toBeLessThanOrEqual(1_025);
    expect(ids(takeAll(lanes))).toEqual(ids(kept));
  });

  it("look at each task a bounded number of times, however many are cancelled and in whatever order", () => {
    const lanes = new Lanes();
    const counted = Array.from({ length: 20_000 }, (_, index) => countReads(queued(index % 2 === 0 ? "high" : "low")));
    for (const { task } of counted) lanes.push(task);
    for (const { task } of [...counted].reverse().slice(0, 15_000)) cancel(lanes, task);
    expect(takeAll(lanes)).toHaveLength(5_000);
    const reads = counted.reduce((sum, { reads: own }) => sum + own(), 0);
    expect(reads / counted.length).toBeLessThan(4);
  });
});

/** Counts how often somebody looks at the state of a task. */
function countReads(task: Task): { task: Task; reads: () => number } {
  let state: TaskState = task.state;
  let reads = 0;
  Object.defineProperty(task, "state", {
    get() {
      reads++;
      return state;
    },
    set(value: TaskState) {
      state = value;
    },
  });
  return { task, reads: () => reads };
}

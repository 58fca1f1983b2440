// One slot as the main thread sees it: where its batch is, and how far its outcomes have been reported.
import { describe, expect, it } from "vitest";
import type { Task } from "../../../src/core/task.js";
import { Slot } from "../../../src/engine/threads/slots/slot.js";
import { createControl, slotState } from "../../../src/engine/threads/slots/slot-memory.js";
import { makeTask } from "../../support/tasks.js";

/** A slot with a batch whose tasks have these slot states. */
function holding(...states: (keyof typeof slotState)[]): { slot: Slot; tasks: Task[] } {
  const slot = new Slot(0, createControl(1));
  const tasks = states.map(() => makeTask());
  slot.hold(tasks);
  for (const [index, state] of states.entries()) slot.memory.states[index] = slotState[state];
  return { slot, tasks };
}

describe("a slot", () => {
  it("is free after its release, and forgets about the batch before when it holds another", () => {
    const { slot, tasks } = holding("waiting", "succeeded");
    slot.reported = 2;
    slot.late = true;
    slot.withdraw(0);
    expect(slot.release()).toBe(tasks);
    expect(slot.tasks).toEqual([]);
    slot.hold([makeTask()]);
    expect([slot.reported, slot.withdrawn, slot.late]).toEqual([0, 0, false]);
  });

  it("counts what was withdrawn from it, each task once", () => {
    const { slot } = holding("waiting", "begun", "waiting", "succeeded");
    expect([0, 0, 1, 2, 3].map((index) => slot.withdraw(index))).toEqual([true, false, false, true, false]);
    expect(slot.withdrawn).toBe(2);
  });

  it("knows which task runs: a batch is run in its order, and withdrawn ones are passed over", () => {
    const running = (...states: (keyof typeof slotState)[]) => holding(...states).slot.running;
    expect(running("succeeded", "begun", "waiting")).toBe(1);
    expect(running("withdrawn", "failed", "stopping")).toBe(2);
    expect(running("returned", "waiting", "waiting")).toBe(-1);
    expect(running("succeeded", "withdrawn")).toBe(-1);
    expect(running()).toBe(-1);
  });

  it("knows how many tasks its thread is done with, from the first that has not been reported on", () => {
    const { slot } = holding("succeeded", "withdrawn", "returned", "begun", "withdrawn");
    expect(slot.done).toBe(3);
    slot.reported = 2;
    expect(slot.done).toBe(3);
    expect(holding("waiting", "withdrawn").slot.done).toBe(0);
    expect(holding("failed", "failed").slot.done).toBe(2);
  });

  it("is unbegun while no code of its batch has run", () => {
    expect(holding("waiting", "withdrawn").slot.isUnbegun).toBe(true);
    expect(holding("waiting", "begun").slot.isUnbegun).toBe(false);
    expect(holding("succeeded", "waiting").slot.isUnbegun).toBe(false);
  });

  it("finds a task until it is reported or withdrawn", () => {
    const { slot, tasks } = holding("failed", "begun", "waiting");
    const find = () => tasks.map((task) => slot.find(task));
    expect(find()).toEqual([0, 1, 2]);
    slot.reported = 1;
    slot.withdraw(2);
    expect(find()).toEqual([-1, 1, -1]);
    expect(slot.find(makeTask())).toBe(-1);
  });
});

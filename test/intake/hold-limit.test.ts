// How long tasks are held at the most: one timer for all, and a queue that does not grow behind one that is held for long.
import { describe, expect, it } from "vitest";
import { type Hold, HoldLimit } from "../../src/intake/hold-limit.js";
import { watchOf } from "../../src/response/watch.js";
import { FakeClock } from "../support/fake-clock.js";
import { makeResponse } from "../support/responses.js";
import { makeTask } from "../support/tasks.js";

function held(): Hold {
  return { task: makeTask(), watch: watchOf(makeResponse().response) };
}

function released(): Hold {
  const hold = held();
  hold.task.state = "succeeded";
  return hold;
}

describe("the limit of holding", () => {
  it("has one timer for all tasks, and none once all are released", () => {
    const clock = new FakeClock();
    const limit = new HoldLimit(1_000, () => {}, clock);
    const holds = Array.from({ length: 1_000 }, held);
    for (const hold of holds) limit.add(hold);
    expect(clock.armed).toBe(1);
    for (const { task } of holds) task.state = "succeeded";
    clock.advance(1_100);
    expect([clock.pending, limit.size]).toEqual([0, 0]);
  });

  it("keeps few of the tasks that were released, behind one that is held for long", () => {
    const limit = new HoldLimit(1_000, () => {}, new FakeClock());
    limit.add(held());
    for (let task = 0; task < 10_000; task++) limit.add(released());
    expect(limit.size).toBeLessThan(100);
  });

  it("keeps nothing behind those that are released in their order", () => {
    const limit = new HoldLimit(1_000, () => {}, new FakeClock());
    for (let task = 0; task < 10_000; task++) limit.add(released());
    expect(limit.size).toBe(1);
  });

  it("of Infinity sets no timer and keeps nothing", () => {
    const clock = new FakeClock();
    const limit = new HoldLimit(Number.POSITIVE_INFINITY, () => {}, clock);
    limit.add(held());
    expect([clock.armed, limit.size]).toEqual([0, 0]);
  });

  it("of a drain gives up at once what is held, and what comes", () => {
    const clock = new FakeClock();
    const given: (readonly Hold[])[] = [];
    const limit = new HoldLimit(1_000, (holds) => given.push(holds), clock);
    const [first, second] = [held(), held()];
    limit.add(first);
    limit.hurry();
    clock.advance(0);
    limit.add(second);
    clock.advance(0);
    expect(given.map((holds) => holds.map(({ task }) => task.id))).toEqual([[first.task.id], [second.task.id]]);
  });

  it("is again what it was after a drain that the process outlives", () => {
    const clock = new FakeClock();
    const given: (readonly Hold[])[] = [];
    const limit = new HoldLimit(1_000, (holds) => given.push(holds), clock);
    limit.hurry();
    clock.advance(0);
    limit.calm();
    limit.add(held());
    clock.advance(0);
    expect(given).toEqual([]);
    expect(clock.pending).toBe(1);
  });
});

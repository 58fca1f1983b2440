// Keys: who holds one, who waits for it, and when it is free again.
import { describe, expect, it } from "vitest";
import type { TaskState } from "../../../src/core/states.js";
import type { Task } from "../../../src/core/task.js";
import { Keys } from "../../../src/intake/schedule/keys.js";
import { defineTask, ids, makeTask } from "../../support/tasks.js";

const definition = defineTask("rebuild");

function keyed(state: TaskState, key = "k", of = definition): Task {
  const task = makeTask(of, { key });
  task.state = state;
  return task;
}

describe("a key", () => {
  it("belongs to the task that claimed it until that ends", () => {
    const keys = new Keys();
    const task = keyed("queued");
    expect(keys.find("rebuild", "k")).toBeUndefined();
    keys.claim(task, "k");
    expect(keys.find("rebuild", "k")).toBe(task);
    expect(keys.isWaiting(task)).toBe(false);
    expect(keys.release(task)).toBeUndefined();
    expect(keys.find("rebuild", "k")).toBeUndefined();
  });

  it("of one name is not that of another, nor of a name that only looks the same when joined", () => {
    const keys = new Keys();
    const one = keyed("queued", "b:c", defineTask("a"));
    const other = keyed("queued", "c", defineTask("a:b"));
    keys.claim(one, "b:c");
    keys.claim(other, "c");
    expect(keys.find("a", "b:c")).toBe(one);
    expect(keys.find("a:b", "c")).toBe(other);
    expect(keys.find("a", "c")).toBeUndefined();
  });

  it("claimed from a running task: the new one waits, and goes on when that has ended", () => {
    const keys = new Keys();
    const [running, next] = [keyed("running"), keyed("held")];
    keys.claim(running, "k");
    keys.claim(next, "k");
    expect(keys.isWaiting(next)).toBe(true);
    expect(keys.find("rebuild", "k")).toBe(next);
    expect(keys.release(running)).toBe(next);
    expect(keys.isWaiting(next)).toBe(false);
    expect(keys.find("rebuild", "k")).toBe(next);
  });

  it.each(["held", "queued", "delayed"] as const)("claimed from a task that is %s: the new one waits too", (state) => {
    const keys = new Keys();
    const [first, next] = [keyed(state), keyed("held")];
    keys.claim(first, "k");
    keys.claim(next, "k");
    expect(keys.isWaiting(next)).toBe(true);
    expect(keys.release(first)).toBe(next);
    expect(keys.find("rebuild", "k")).toBe(next);
  });

  it("is that of one after the other, in the order of their claims, whoever leaves the line meanwhile", () => {
    const keys = new Keys();
    const tasks = [keyed("running"), keyed("queued"), keyed("queued"), keyed("queued"), keyed("queued")];
    for (const task of tasks) keys.claim(task, "k");
    const [first, second, third, fourth, fifth] = tasks as [Task, Task, Task, Task, Task];
    expect(ids(keys.line("rebuild", "k"))).toEqual(ids([fifth, fourth, third, second, first]));
    // From the middle, and from the end.
    expect([keys.release(third), keys.release(fifth)]).toEqual([undefined, undefined]);
    expect(ids(keys.line("rebuild", "k"))).toEqual(ids([fourth, second, first]));
    expect(keys.release(first)).toBe(second);
    expect([keys.isWaiting(second), keys.isWaiting(fourth)]).toEqual([false, true]);
    expect(keys.release(second)).toBe(fourth);
    expect(keys.release(fourth)).toBeUndefined();
    expect(keys.line("rebuild", "k")).toEqual([]);
  });

  it("claimed from a task that waits itself: the last one waits in its place", () => {
    const keys = new Keys();
    const [running, second, third] = [keyed("running"), keyed("queued"), keyed("held")];
    keys.claim(running, "k");
    keys.claim(second, "k");
    keys.claim(third, "k");
    expect(keys.release(second)).toBeUndefined();
    expect(keys.isWaiting(third)).toBe(true);
    expect(keys.release(running)).toBe(third);
  });

  it("of a task that was cancelled while it waited is that of the running one again", () => {
    const keys = new Keys();
    const [running, cancelled, next] = [keyed("running"), keyed("queued"), keyed("held")];
    keys.claim(running, "k");
    keys.claim(cancelled, "k");
    expect(keys.release(cancelled)).toBeUndefined();
    expect(keys.find("rebuild", "k")).toBe(running);
    keys.claim(next, "k");
    expect(keys.isWaiting(next)).toBe(true);
    expect(keys.release(running)).toBe(next);
  });

  it("is nothing to a task without one", () => {
    const keys = new Keys();
    expect(keys.release(makeTask(definition))).toBeUndefined();
    expect(keys.isWaiting(makeTask(definition))).toBe(false);
  });
});

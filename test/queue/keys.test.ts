// Keys: who holds one, who waits for it, and when it is free again.
import { describe, expect, it } from "vitest";
import { Keys } from "../../src/queue/keys.js";
import type { TaskState } from "../../src/task/states.js";
import type { Task } from "../../src/task/task.js";
import { defineTask, makeTask } from "../support/tasks.js";

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
    keys.claim(task, "k", undefined);
    expect(keys.find("rebuild", "k")).toBe(task);
    expect(keys.isWaiting(task)).toBe(false);
    expect(keys.release(task)).toBeUndefined();
    expect(keys.find("rebuild", "k")).toBeUndefined();
  });

  it("of one name is not that of another, nor of a name that only looks the same when joined", () => {
    const keys = new Keys();
    const one = keyed("queued", "b:c", defineTask("a"));
    const other = keyed("queued", "c", defineTask("a:b"));
    keys.claim(one, "b:c", undefined);
    keys.claim(other, "c", undefined);
    expect(keys.find("a", "b:c")).toBe(one);
    expect(keys.find("a:b", "c")).toBe(other);
    expect(keys.find("a", "c")).toBeUndefined();
  });

  it("claimed from a running task: the new one waits, and goes on when that has ended", () => {
    const keys = new Keys();
    const [running, next] = [keyed("running"), keyed("held")];
    keys.claim(running, "k", undefined);
    keys.claim(next, "k", running);
    expect(keys.isWaiting(next)).toBe(true);
    expect(keys.find("rebuild", "k")).toBe(next);
    expect(keys.release(running)).toBe(next);
    expect(keys.isWaiting(next)).toBe(false);
    expect(keys.find("rebuild", "k")).toBe(next);
  });

  it.each(["held", "queued", "delayed"] as const)("claimed from a task that is %s: nobody waits", (state) => {
    const keys = new Keys();
    const [first, next] = [keyed(state), keyed("held")];
    keys.claim(first, "k", undefined);
    keys.claim(next, "k", first);
    expect(keys.isWaiting(next)).toBe(false);
    expect(keys.release(first)).toBeUndefined();
    expect(keys.find("rebuild", "k")).toBe(next);
  });

  it("claimed from a task that waits itself: the last one waits in its place", () => {
    const keys = new Keys();
    const [running, second, third] = [keyed("running"), keyed("queued"), keyed("held")];
    keys.claim(running, "k", undefined);
    keys.claim(second, "k", running);
    keys.claim(third, "k", second);
    expect(keys.release(second)).toBeUndefined();
    expect(keys.isWaiting(third)).toBe(true);
    expect(keys.release(running)).toBe(third);
  });

  it("of a task that was cancelled while it waited is that of the running one again", () => {
    const keys = new Keys();
    const [running, cancelled, next] = [keyed("running"), keyed("queued"), keyed("held")];
    keys.claim(running, "k", undefined);
    keys.claim(cancelled, "k", running);
    expect(keys.release(cancelled)).toBeUndefined();
    expect(keys.find("rebuild", "k")).toBe(running);
    keys.claim(next, "k", running);
    expect(keys.isWaiting(next)).toBe(true);
    expect(keys.release(running)).toBe(next);
  });

  it("is nothing to a task without one", () => {
    const keys = new Keys();
    expect(keys.release(makeTask(definition))).toBeUndefined();
    expect(keys.isWaiting(makeTask(definition))).toBe(false);
  });
});

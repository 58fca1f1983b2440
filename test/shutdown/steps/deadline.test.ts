import { describe, expect, it } from "vitest";
import { Deadline } from "../../../src/shutdown/steps/deadline.js";

const never = new Promise<never>(() => {});

/** A deadline `timeout` ms from now whose moments are all at its very end. */
function deadlineIn(timeout: number, budget = 0): Deadline {
  return new Deadline(performance.now() + timeout, budget);
}

describe("a deadline", () => {
  it("lets work that is done in time be done", async () => {
    expect(await deadlineIn(10_000).within(Promise.resolve(), "end")).toBe(true);
  });

  it("gives up work at its moment", async () => {
    // The rest is long enough for any machine.
    const deadline = deadlineIn(10_000, 9_960);
    expect(await deadline.within(never, "abort")).toBe(false);
    expect(deadline.left("abort")).toBeLessThan(2);
    expect(deadline.left("end")).toBeGreaterThan(0);
  });

  it("gives up at once when the moment is over", async () => {
    expect(await deadlineIn(1_000, 3_000).within(never, "abort")).toBe(false);
  });

  it("passes on the rejection of the work", async () => {
    await expect(deadlineIn(10_000).within(Promise.reject(new Error("no")), "end")).rejects.toThrow("no");
  });

  it("comes sooner for many tasks, because each of them has to be abandoned", async () => {
    const deadline = deadlineIn(2_000);
    expect(await deadline.idle({ idle: () => never, unfinishedCount: () => 150_000 })).toBe(false);
    expect(deadline.left("abort")).toBeGreaterThan(0);
  });

  it("waits on when fewer tasks are left than before", async () => {
    let tasks = 150_000;
    const deadline = deadlineIn(10_000);
    const idle = new Promise<void>((resolve) => {
      setTimeout(() => {
        tasks = 0;
        resolve();
      }, 20);
    });
    expect(await deadline.idle({ idle: () => idle, unfinishedCount: () => tasks })).toBe(true);
  });

  it("can be brought forward while somebody waits", async () => {
    const deadline = deadlineIn(60_000, 3_000);
    const waiting = deadline.within(never, "end");
    deadline.shorten(performance.now() + 10, 10);
    expect(await waiting).toBe(false);
  });

  it("cannot be put off", () => {
    const deadline = deadlineIn(1_000, 100);
    const { at } = deadline;
    deadline.shorten(at + 5_000, 3_000);
    expect(deadline.at).toBe(at);
  });

  it("follows another that is brought forward, but not one that is later", async () => {
    const deadline = deadlineIn(60_000, 3_000);
    const other = deadlineIn(90_000, 3_000);
    const { at } = deadline;
    deadline.follow(other);
    expect(deadline.at).toBe(at);
    const waiting = deadline.within(never, "end");
    other.shorten(performance.now() + 10, 10);
    expect(await waiting).toBe(false);
  });
});

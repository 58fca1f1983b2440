// When a task begins that runs alone: once nothing else is here, or when it has waited for long enough.
import { expect, it } from "vitest";
import { Alone } from "../../../src/engine/remote/delivery/alone.js";

const long = 60_000;

it("begins once when nothing else is here, and not within that call", async () => {
  const alone = new Alone(long);
  let begun = 0;
  alone.wait(1, () => begun++);
  alone.isFree();
  alone.isFree();
  expect([begun, alone.isTaken]).toEqual([0, true]);
  await Promise.resolve();
  expect([begun, alone.isTaken]).toEqual([1, true]);
  expect([alone.end(2), alone.isTaken, alone.end(1), alone.isTaken]).toEqual([false, true, true, false]);
});

it("begins beside others when it has waited for long enough", async () => {
  const alone = new Alone(1);
  await new Promise<void>((resolve) => alone.wait(1, resolve));
  expect(alone.isTaken).toBe(true);
});

it("does not begin any more when it was given up", async () => {
  const alone = new Alone(1);
  let begun = 0;
  alone.wait(7, () => begun++);
  alone.isFree();
  expect([alone.giveUp(), alone.giveUp(), alone.isTaken]).toEqual([7, undefined, false]);
  // A timer of the same length that was set later fires later.
  await new Promise((resolve) => setTimeout(resolve, 1));
  expect(begun).toBe(0);
});

// How busy a thread was lately, on a clock of the test's.
import { expect, it } from "vitest";
import { Utilization } from "../../../src/engine/threads/pool/utilization.js";

it("the utilisation of a thread is that of the last seconds, whoever else looks", () => {
  let at = 0;
  const times = { idle: 0, active: 0 };
  const utilization = new Utilization(
    () => ({ ...times }),
    () => at,
  );
  const pass = (ms: number, share: number): void => {
    at += ms;
    times.active += ms * share;
    times.idle += ms * (1 - share);
  };
  expect(utilization.read()).toBe(0);
  pass(1_000, 0.5);
  expect(utilization.read()).toBeCloseTo(0.5);
  // Two look shortly after one another, and see the same.
  pass(10, 1);
  expect(utilization.read()).toBeCloseTo(0.5, 1);
  for (let second = 0; second < 30; second++) {
    pass(1_000, 1);
    utilization.read();
  }
  expect(utilization.read()).toBeCloseTo(1);
  for (let second = 0; second < 11; second++) {
    pass(1_000, 0);
    utilization.read();
  }
  expect(utilization.read()).toBeCloseTo(0);
});

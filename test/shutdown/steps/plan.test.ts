import { describe, expect, it } from "vitest";
import { abortBudget, defaultDrainDelay, requestTime, timeBefore } from "../../../src/shutdown/steps/plan.js";

describe("the budgets", () => {
  it("cut requests off 5 s and abort tasks 3 s before the end, from a timeout of 15 s on", () => {
    for (const timeout of [15_000, 25_000, 600_000]) {
      const budget = abortBudget(timeout);
      expect(timeBefore("requests", budget)).toBeCloseTo(5_000);
      expect(timeBefore("abort", budget)).toBe(3_000);
    }
  });

  it("shrink in proportion under a timeout of 15 s", () => {
    expect(abortBudget(7_500)).toBe(1_500);
    expect(timeBefore("requests", abortBudget(7_500))).toBeCloseTo(2_500);
    expect(timeBefore("requests", abortBudget(1_500))).toBeCloseTo(500);
    expect(abortBudget(0)).toBe(0);
  });

  it("come in the order of the steps, with time between them", () => {
    const moments = (["requests", "abort", "abandon", "report", "threads", "end"] as const).map((moment) => {
      return timeBefore(moment, 3_000);
    });
    expect(moments).toEqual([...moments].sort((a, b) => b - a));
    expect(new Set(moments).size).toBe(moments.length);
    expect(moments.at(-1)).toBeGreaterThan(0);
  });
});

describe("the drain delay", () => {
  it.each([
    { timeout: 25_000, inKubernetes: true, hasServer: true, delay: 5_000 },
    { timeout: 10_000, inKubernetes: true, hasServer: true, delay: 2_000 },
    { timeout: 25_000, inKubernetes: true, hasServer: false, delay: 0 },
    { timeout: 25_000, inKubernetes: false, hasServer: true, delay: 0 },
  ])("is $delay ms by default for $timeout ms, in Kubernetes: $inKubernetes, with a server: $hasServer", (row) => {
    expect(defaultDrainDelay(row.timeout, row.inKubernetes, row.hasServer)).toBe(row.delay);
  });

  it("leaves open requests what is left before their budget", () => {
    expect(requestTime({ timeout: 25_000, drainDelay: 5_000 })).toBeCloseTo(15_000);
    expect(requestTime({ timeout: 25_000, drainDelay: 22_000 })).toBeCloseTo(-2_000);
  });
});

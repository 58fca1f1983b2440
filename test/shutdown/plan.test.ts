import { describe, expect, it } from "vitest";
import { planWarnings } from "../../src/shutdown/process/plan-warnings.js";
import { detectPlatform } from "../../src/shutdown/process/platform.js";
import { abortBudget, defaultDrainDelay, requestTime, timeBefore } from "../../src/shutdown/steps/plan.js";

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

describe("the warnings of a plan", () => {
  const kubernetes = detectPlatform({ KUBERNETES_SERVICE_HOST: "10.0.0.1" }, () => false);

  it("are none for the defaults, on Kubernetes too", () => {
    expect(planWarnings({ timeout: 25_000, drainDelay: 0 }, undefined)).toEqual([]);
    expect(planWarnings({ timeout: 25_000, drainDelay: 5_000 }, kubernetes)).toEqual([]);
  });

  it("name a drain delay that takes all the time, and what it is cut to", () => {
    const [warning] = planWarnings({ timeout: 25_000, drainDelay: 22_000 }, undefined);
    expect(warning).toMatch(/drainDelay \(22000 ms\) takes all .* it is cut to 20000 ms/);
  });

  it("name a drain delay that leaves requests little", () => {
    const [warning] = planWarnings({ timeout: 25_000, drainDelay: 15_000 }, undefined);
    expect(warning).toMatch(/drainDelay \(15000 ms\) leaves open requests 5000 ms/);
  });

  it.each([
    { name: "PM2", env: { pm_id: "0" }, grace: 1_600 },
    { name: "Fly", env: { FLY_APP_NAME: "shop" }, grace: 5_000 },
    { name: "Cloud Run", env: { K_SERVICE: "shop", K_REVISION: "shop-1" }, grace: 10_000 },
    { name: "Docker", env: {}, grace: 10_000 },
  ])("say that $name kills before the timeout", ({ name, env, grace }) => {
    const platform = detectPlatform(env, (path) => path === "/.dockerenv");
    const [warning] = planWarnings({ timeout: 25_000, drainDelay: 0 }, platform);
    expect(warning).toContain(`25000 ms, but ${name} kills the process ${grace} ms after its signal`);
    expect(planWarnings({ timeout: grace - 1, drainDelay: 0 }, platform)).toEqual([]);
  });

  it("believe what the user says of the platform", () => {
    expect(planWarnings({ timeout: 80_000, drainDelay: 5_000 }, kubernetes, 90_000)).toEqual([]);
    expect(planWarnings({ timeout: 80_000, drainDelay: 5_000 }, kubernetes)).toHaveLength(1);
    expect(planWarnings({ timeout: 8_000, drainDelay: 0 }, undefined, 5_000)[0]).toContain("the platform kills");
  });
});

describe("the platform", () => {
  it("is the innermost one: PM2 in a pod sends the signal itself", () => {
    const env = { pm_id: "0", KUBERNETES_SERVICE_HOST: "10.0.0.1" };
    expect(detectPlatform(env, () => true)?.name).toBe("PM2");
    expect(detectPlatform({ KUBERNETES_SERVICE_HOST: "10.0.0.1" }, () => true)?.name).toBe("Kubernetes");
  });

  it("is unknown without a mark", () => {
    expect(detectPlatform({}, () => false)).toBeUndefined();
  });

  it("tells PM2's time as PM2 was configured", () => {
    expect(detectPlatform({ pm_id: "0", kill_timeout: "8000" }, () => false)?.grace).toBe(8_000);
  });
});

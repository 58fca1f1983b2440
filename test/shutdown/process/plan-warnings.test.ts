import { describe, expect, it } from "vitest";
import { planWarnings } from "../../../src/shutdown/process/plan-warnings.js";
import { detectPlatform } from "../../../src/shutdown/process/platform.js";

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

import { describe, expect, it } from "vitest";
import { detectPlatform } from "../../../src/shutdown/process/platform.js";

describe("the platform", () => {
  it("is the innermost one: PM2 in a pod sends the signal itself", () => {
    const env = { pm_id: "0", KUBERNETES_SERVICE_HOST: "10.0.0.1" };
    expect(detectPlatform(env, () => true)?.name).toBe("PM2");
    expect(detectPlatform({ KUBERNETES_SERVICE_HOST: "10.0.0.1" }, () => true)?.name).toBe("Kubernetes");
  });

  it("is unknown without a mark", () => {
    expect(detectPlatform({}, () => false)).toBeUndefined();
  });

  it("has PM2's time as PM2 was configured", () => {
    expect(detectPlatform({ pm_id: "0", kill_timeout: "8000" }, () => false)?.grace).toBe(8_000);
  });
});

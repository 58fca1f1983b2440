// How many CPUs: the host's number, or the quota of the container as each version of cgroups writes it down.
import { availableParallelism } from "node:os";
import { describe, expect, it } from "vitest";
import { cgroupQuota, parallelism } from "../../../src/engine/threads/parallelism.js";

const v2 = "/sys/fs/cgroup/cpu.max";
const v1Quota = "/sys/fs/cgroup/cpu/cpu.cfs_quota_us";
const v1Period = "/sys/fs/cgroup/cpu/cpu.cfs_period_us";

describe("the CPU quota of a container", () => {
  it.each<[string, Record<string, string>, number | undefined]>([
    ["cgroup v2, two CPUs", { [v2]: "200000 100000\n" }, 2],
    ["cgroup v2, one and a half", { [v2]: "150000 100000\n" }, 1.5],
    ["cgroup v2, a tenth, with another period", { [v2]: "5000 50000\n" }, 0.1],
    ["cgroup v2, no limit", { [v2]: "max 100000\n" }, undefined],
    ["cgroup v1, four CPUs", { [v1Quota]: "400000\n", [v1Period]: "100000\n" }, 4],
    ["cgroup v1, half a CPU", { [v1Quota]: "50000\n", [v1Period]: "100000\n" }, 0.5],
    ["cgroup v1, no limit", { [v1Quota]: "-1\n", [v1Period]: "100000\n" }, undefined],
    ["cgroup v1, the period unreadable", { [v1Quota]: "400000\n" }, undefined],
    ["both, of which v2 counts", { [v2]: "100000 100000", [v1Quota]: "400000", [v1Period]: "100000" }, 1],
    ["v2 without a limit beside v1 with one", { [v2]: "max 100000", [v1Quota]: "300000", [v1Period]: "100000" }, 3],
    ["no cgroups", {}, undefined],
    ["an empty file", { [v2]: "" }, undefined],
    ["something else in the file", { [v2]: "unexpected" }, undefined],
    ["a quota of nothing", { [v2]: "0 100000" }, undefined],
    ["a period of nothing", { [v2]: "100000 0" }, undefined],
  ])("%s", (_, files, cpus) => {
    expect(cgroupQuota(reading(files))).toBe(cpus);
  });
});

describe("the CPUs that this process may use", () => {
  it("are the host's where there is no quota, or a larger one", () => {
    expect(parallelism(reading({}))).toBe(availableParallelism());
    expect(parallelism(reading({ [v2]: "100000000 100000" }))).toBe(availableParallelism());
  });

  it("are the quota's where that is less, rounded up, and never none", () => {
    expect(parallelism(reading({ [v2]: "100000 100000" }))).toBe(1);
    expect(parallelism(reading({ [v2]: "1000 100000" }))).toBe(1);
    expect(parallelism(reading({ [v2]: "150000 100000" }))).toBe(Math.min(2, availableParallelism()));
  });

  it("are found on this machine, too", () => {
    expect(parallelism()).toBeGreaterThanOrEqual(1);
    expect(Number.isInteger(parallelism())).toBe(true);
  });
});

function reading(files: Record<string, string>): (path: string) => string {
  return (path) => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
    return text;
  };
}

// How many CPUs this process may use. Node 20 reports the host's CPUs inside a container with a quota, so the quota is read.
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/**
 * The CPUs that this process may use: `os.availableParallelism()`, or the container's quota where that is less.
 *
 * @param read reads a file, for tests
 * @returns a whole number of at least 1
 */
export function parallelism(read: (path: string) => string = (path) => readFileSync(path, "utf8")): number {
  const quota = cgroupQuota(read) ?? Number.POSITIVE_INFINITY;
  // A quota of 1.5 CPUs feeds two threads half of the time; rounding up keeps the last half used.
  return Math.max(1, Math.min(availableParallelism(), Math.ceil(quota)));
}

/** CPUs by the quota of cgroup v2 or v1; undefined where there is none. */
export function cgroupQuota(read: (path: string) => string): number | undefined {
  return quotaV2(read) ?? quotaV1(read);
}

function quotaV2(read: (path: string) => string): number | undefined {
  const [quota, period] = (attempt(read, "/sys/fs/cgroup/cpu.max") ?? "").trim().split(/\s+/);
  return ratio(quota, period);
}

function quotaV1(read: (path: string) => string): number | undefined {
  return ratio(
    attempt(read, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
    attempt(read, "/sys/fs/cgroup/cpu/cpu.cfs_period_us"),
  );
}

/** v2 says "max" and v1 says -1 for no quota. */
function ratio(quota: string | undefined, period: string | undefined): number | undefined {
  const cpus = Number(quota) / Number(period);
  return cpus > 0 && Number.isFinite(cpus) ? cpus : undefined;
}

function attempt(read: (path: string) => string, path: string): string | undefined {
  try {
    return read(path);
  } catch {
    return undefined;
  }
}

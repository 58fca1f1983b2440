// The short form of `npm run chaos:cluster`: each of web process, worker and broker is killed once, and no accepted task is lost.
import { describe, expect, it } from "vitest";
import { runCluster } from "../../../scripts/cluster/run.js";
import { makeDirectory } from "../../support/directory.js";
import { hasRedis } from "../../support/redis.js";

describe.runIf(hasRedis())("a cluster under load", () => {
  it("loses nothing when a web process, a worker and the broker are killed", { timeout: 120_000 }, async () => {
    const report = await runCluster({ folder: makeDirectory(), kills: 1, pauseMs: 700 });
    expect(report.lost).toBe(0);
    expect(report.accepted).toBeGreaterThan(50);
  });
});

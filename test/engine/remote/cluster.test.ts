// The short form of `npm run demo:cluster` and of `npm run chaos:cluster`: each of web process, worker and broker is killed once, and no
// accepted task is lost.
import { describe, expect, it } from "vitest";
import { startProgram } from "../../support/process.js";
import { hasRedis } from "../../support/redis.js";

describe.runIf(hasRedis())("a cluster under load", () => {
  it("loses nothing when a web process, a worker and the broker are killed", { timeout: 120_000 }, async () => {
    const demo = await startProgram("scripts/demo-cluster.ts", { args: ["1"], ready: /two workers/ });
    const { code, stdout } = await demo.exited;
    for (const what of ["a web process", "a worker", "the broker"]) expect(stdout).toContain(`kill -9 of ${what}`);
    const [, accepted, run, lost] = /accepted (\d+), run (\d+), lost (\d+), twice \d+/.exec(stdout)?.map(Number) ?? [];
    expect({ code, lost }).toEqual({ code: 0, lost: 0 });
    expect(accepted).toBeGreaterThan(50);
    // A number whose acceptance was not told of before the kill may have run.
    expect(run).toBeGreaterThanOrEqual(accepted ?? 0);
  });
});

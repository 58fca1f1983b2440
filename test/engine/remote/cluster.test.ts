// The short form of `npm run demo:cluster` and of `npm run chaos:cluster`: each of web process, worker and broker is killed once, and no
// accepted task is lost.
import path from "node:path";
import { bullmq } from "offload-after-response/bullmq";
import { describe, expect, it, onTestFinished } from "vitest";
import { linesOf, whereAre } from "../../../scripts/cluster/whereabouts.js";
import { makeDirectory } from "../../support/directory.js";
import { Gate } from "../../support/gate.js";
import { watch } from "../../support/offloader.js";
import { startProgram } from "../../support/process.js";
import { hasRedis, RedisServer } from "../../support/redis.js";

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
    expect(stdout.trim().split("\n").at(-1)).toMatch(/accepted \d+, run \d+, lost \d+, twice \d+$/);
  });

  it("tells where each task is that has not run", { timeout: 60_000 }, async () => {
    const redis = await RedisServer.start(makeDirectory("redis-whereabouts"));
    onTestFinished(() => redis.kill());
    const [dir, gate] = [makeDirectory("whereabouts"), new Gate()];
    const places = { journals: [dir, path.join(dir, "none")], connection: redis.url, queue: "whereabouts" };
    const engine = bullmq({ connection: redis.url, queue: places.queue });
    const web = watch("engine.mjs", { name: "whereabouts-web", role: "dispatch", engine, journal: { dir } });
    const worker = watch("engine.mjs", {
      name: "whereabouts-worker",
      role: "work",
      engine,
      pool: { maxThreads: 1, workerData: { gate: gate.memory } },
    });
    const failed = web.offloader.offload("fails", { message: "on purpose" }, { attempts: 1 }).id;
    await worker.event("failed");
    const runs = web.offloader.offload("waits").id;
    await worker.events("started", 2);
    const waits = web.offloader.offload("waits").id;
    await web.events("forwarded", 3);
    web.offloader.pause();
    const recorded = web.offloader.offload("echo", 1).id;
    const missing = await whereAre([failed, runs, waits, recorded, "nobody-1"], places);
    expect(missing.map(({ id }) => id)).toEqual([failed, runs, waits, recorded, "nobody-1"]);
    expect(missing.map(({ where }) => where)).toEqual([
      "a dead letter of the queue (exhausted: on purpose)",
      "in the queue, active (0 attempts, 0 crashes)",
      expect.stringMatching(/^in the queue, (prioritized|active) \(0 attempts, 0 crashes\)$/),
      expect.stringMatching(/^unfinished in the journal of a process that is alive \(.*whereabouts.*\)$/),
      "in no journal and not in the queue",
    ]);
    gate.open();
    await redis.kill();
    const [unknown] = await whereAre(["nobody-1"], places);
    expect(unknown?.where).toBe("perhaps in the queue, which does not answer");
  });

  it("says where tasks are in a line for each place, with no more ids than fit", () => {
    const missing = Array.from({ length: 23 }, (_, n) => ({
      id: `a-${n}`,
      where: n < 22 ? "in a journal" : "nowhere",
    }));
    expect(linesOf({ missing, unaccepted: [7, 9] }, 3)).toEqual([
      "lost 22: in a journal: a-0, a-1, a-2 and 19 more",
      "lost 1: nowhere: a-22",
      "never accepted 2: given to a web process that has not answered: numbers 7, 9",
    ]);
  });
});

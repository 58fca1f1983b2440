// What is known to go wrong with BullMQ and Redis, each on a real server: a full memory, a task that workers die of, a main thread that
// stands still, a close while Redis is dead or frozen; and whether the jobs look right to the tools that people have.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Job, Queue } from "bullmq";
import { bullmq } from "offload-after-response/bullmq";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { resolveBullMQ } from "../../../src/engine/remote/bullmq/options.js";
import { makeDirectory } from "../../support/directory.js";
import { Gate } from "../../support/gate.js";
import { type Watched, watch } from "../../support/offloader.js";
import { hasRedis, RedisServer } from "../../support/redis.js";
import { blockUntil, until } from "../../support/until.js";
import { type Closing, endsByItself } from "./closing.js";

const program = fileURLToPath(new URL("programs/bullmq-dies.mjs", import.meta.url));
const directory = makeDirectory("redis-failures");

describe.runIf(hasRedis())("BullMQ when things go wrong", () => {
  let redis: RedisServer;
  let names = 0;

  beforeAll(async () => {
    redis = await RedisServer.start(directory);
  });
  afterAll(() => redis.kill());

  /** The queue as the user's own tools see it, and processes that use it. */
  function aQueue(timing: { lockMs?: number; stalledMs?: number } = {}) {
    const queue = `failures-${names++}`;
    const seen = new Queue(queue, { connection: { host: "127.0.0.1", port: redis.port } });
    seen.on("error", () => {});
    // Not awaited: BullMQ's own disconnect() can stay pending after Redis was killed.
    onTestFinished(() => void seen.disconnect().catch(() => {}));
    const engine = bullmq({ connection: redis.url, queue, ...timing });
    const start = (role: "dispatch" | "work", more = {}): Watched =>
      watch("engine.mjs", { name: `${queue}-${role}`, role, engine, journal: { dir: makeDirectory() }, ...more });
    const job = async (id: string): Promise<Job> => {
      const found: Job | undefined = await seen.getJob(id);
      if (found === undefined) throw new Error(`no job ${id}`);
      return found;
    };
    return { queue, seen, start, job };
  }

  it("takes part of a batch when its memory is full, and each task once when there is room again", {
    timeout: 60_000,
  }, async () => {
    const { seen, start } = aQueue();
    redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction");
    redis.command("CONFIG", "SET", "maxmemory", "3mb");
    onTestFinished(() => void redis.command("CONFIG", "SET", "maxmemory", "0"));
    const web = start("dispatch");
    const ids = Array.from({ length: 2_000 }, () => web.offloader.offload("echo", "x".repeat(1_000)).id);
    await until(() => web.lines.some(({ message }) => message.includes("takes no tasks")), "a line that says so");
    const taken = (await seen.getJobCounts("waiting", "prioritized")) as Record<string, number>;
    expect((taken.waiting ?? 0) + (taken.prioritized ?? 0)).toBeLessThan(2_000);
    redis.command("CONFIG", "SET", "maxmemory", "0");
    await web.events("forwarded", 2_000);
    const jobs = await seen.getJobs(["waiting", "prioritized"], 0, -1);
    expect(jobs.map(({ id }) => id).sort()).toEqual([...ids].sort());
  });

  it("makes a dead letter of a task that workers die of, and runs it when somebody retries it", {
    timeout: 60_000,
  }, async () => {
    const { queue, start, job } = aQueue({ lockMs: 3_000, stalledMs: 1_000 });
    const web = start("dispatch");
    const { id } = web.offloader.offload("echo", 1);
    await web.event("forwarded");
    for (let death = 0; death < 3; death++) {
      const options = resolveBullMQ({ connection: redis.url, queue, lockMs: 3_000, stalledMs: 1_000 });
      await once(fork(program, [JSON.stringify(options)]), "exit");
    }
    const worker = start("work");
    await until(() => worker.lines.some(({ message }) => message.includes("workers died")), "the dead letter");
    expect(worker.recorded.filter(({ event }) => event === "started")).toEqual([]);
    const { elsewhere } = worker.offloader.deadLetters;
    let isFailed = false;
    while (!isFailed) isFailed = (await (await job(id)).getState()) === "failed";
    expect(await elsewhere.retry(id)).toBe(true);
    expect(await worker.event("succeeded")).toMatchObject({ id, attempt: 1 });
  });

  it("shows jobs as the tools of BullMQ expect them", async () => {
    const { start, job } = aQueue();
    const before = Date.now();
    const web = start("dispatch");
    const { id } = web.offloader.offload("fails", { message: "no such photo" }, { attempts: 2, backoff: { delay: 1 } });
    await web.event("forwarded");
    const waiting = await job(id);
    expect(waiting.name).toBe("fails");
    expect(waiting.data.body).toMatchObject({ enc: "json", payload: { message: "no such photo" } });
    expect(waiting.opts.attempts).toBe(2);
    // KEDA looks at this set, in examples/cluster.
    expect(await waiting.getState()).toBe("prioritized");
    const worker = start("work");
    await worker.event("failed");
    await until(() => worker.offloader.stats().engine?.running !== 1, "the broker to know");
    let failed = await job(id);
    while (failed.finishedOn === undefined) failed = await job(id);
    expect(failed.attemptsMade).toBe(2);
    expect(failed.failedReason).toContain("no such photo");
    const stacks = failed.stacktrace ?? [];
    expect(stacks).toHaveLength(2);
    for (const stack of stacks) expect(stack).toMatch(/no such photo[\s\S]*engine\.mjs/);
    const times = [before, failed.timestamp, failed.processedOn ?? 0, failed.finishedOn ?? 0, Date.now()];
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it("keeps the lock of a task while the main thread stands still for longer than the lock lasts", {
    timeout: 30_000,
  }, async () => {
    const { start, job } = aQueue({ lockMs: 1_000, stalledMs: 500 });
    const gate = new Gate();
    const web = start("dispatch");
    const { id } = web.offloader.offload("waits", null);
    await web.event("forwarded");
    const worker = start("work", { pool: { maxThreads: 1, workerData: { gate: gate.memory } } });
    await worker.event("started");
    const end = performance.now() + 4_000;
    blockUntil(() => performance.now() > end);
    gate.open();
    expect(await worker.event("succeeded")).toMatchObject({ id, attempt: 1 });
    let ended = await job(id);
    while (ended.finishedOn === undefined) ended = await job(id);
    expect(ended.stalledCounter).toBe(0);
    expect(ended.attemptsStarted).toBe(1);
  });

  it.each(["dead", "frozen"])("closes in time when Redis is %s", { timeout: 30_000 }, async (how) => {
    const { start } = aQueue();
    const [web, worker] = [start("dispatch"), start("work")];
    web.offloader.offload("echo", 1);
    await worker.event("succeeded");
    if (how === "dead") await redis.kill();
    else redis.freeze();
    try {
      web.offloader.offload("echo", 2);
      const startedAt = performance.now();
      await Promise.all([web, worker].map(({ offloader }) => offloader.close({ timeout: 2_000 })));
      // Threads are ended after the deadline.
      expect(performance.now() - startedAt).toBeLessThan(3_000);
      // The end of a submission by the close is no refusal by Redis.
      expect(web.lines.filter(({ message }) => message.includes("takes no tasks"))).toEqual([]);
    } finally {
      if (how === "dead") await redis.up();
      else redis.thaw();
    }
  });

  it.each<[string, "dead" | "frozen", Omit<Closing, "queue">]>([
    [
      "a paused backlog and a frozen Redis",
      "frozen",
      { role: "dispatch", backlog: 10_000, paused: true, timeout: 500 },
    ],
    ["a running task and a frozen Redis", "frozen", { role: "both", running: true, timeout: 200, exits: true }],
    ["a backlog, no time and a dead Redis", "dead", { role: "both", backlog: 1_000, timeout: 0, exits: true }],
  ])("ends by itself with %s", { timeout: 30_000 }, async (_title, how, closing) => {
    try {
      await endsByItself({ connection: redis.url, queue: `ends-${names++}`, ...closing }, () => {
        return how === "dead" ? redis.kill() : redis.freeze();
      });
    } finally {
      if (how === "dead") await redis.up();
      else redis.thaw();
    }
  });
});

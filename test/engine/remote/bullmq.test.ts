// BullMQ on a real Redis keeps the contract of remote-engine.ts.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { bullmq } from "offload-after-response/bullmq";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect } from "../../../src/engine/remote/bullmq/client.js";
import { resolveBullMQ } from "../../../src/engine/remote/bullmq/options.js";
import type { Delivery } from "../../../src/engine/remote/remote-engine.js";
import { makeDirectory } from "../../support/directory.js";
import { rejection, thrownBy, watch } from "../../support/offloader.js";
import { hasRedis, RedisServer } from "../../support/redis.js";
import { until } from "../../support/until.js";
import { describeRemoteEngine } from "./conformance.js";

const program = fileURLToPath(new URL("programs/bullmq-dies.mjs", import.meta.url));
const directory = makeDirectory("redis");

describe("bullmq()", () => {
  it.each([
    [{ queue: "q" }, "connection"],
    [{ connection: "redis://127.0.0.1" }, "queue"],
    [{ connection: "redis://127.0.0.1", queue: "a:b" }, "queue"],
    [{ connection: { on() {} }, queue: "q" }, "connection"],
    [{ connection: "postgres://127.0.0.1/photos", queue: "q" }, "redis://"],
    [{ connection: "redis://127.0.0.1", queue: "q", lockMs: 1 }, "lockMs"],
  ])("refuses %j by the name of the option", (options, name) => {
    expect(thrownBy(() => bullmq(options as never))).toMatchObject({
      code: "AR_INVALID_OPTIONS",
      message: expect.stringContaining(name),
    });
  });
});

describe.runIf(hasRedis())("on Redis", () => {
  let redis: RedisServer;
  const optionsOf = (queue: string) => resolveBullMQ({ connection: redis.url, queue, lockMs: 3_000, stalledMs: 1_000 });

  beforeAll(async () => {
    redis = await RedisServer.start(directory);
  });
  afterAll(() => redis.kill());

  it("runs on another process's threads what a web process has dispatched, and its journal is the outbox", async () => {
    const engine = bullmq({ connection: redis.url, queue: "photos" });
    const web = watch("tasks.mjs", { name: "web", role: "dispatch", engine, journal: { dir: makeDirectory() } });
    const handle = web.offloader.offload("echo", { photo: 1 }, { priority: "high" });
    expect(handle.state).toBe("queued");
    expect((await web.event("forwarded")).id).toBe(handle.id);
    expect(await rejection(handle.result())).toMatchObject({ code: "AR_RUN_ELSEWHERE" });
    const worker = watch("tasks.mjs", { name: "worker", role: "work", engine, journal: { dir: makeDirectory() } });
    const ended = await worker.event("succeeded");
    expect(ended).toMatchObject({ id: handle.id, task: "echo", attempt: 1 });
    expect(web.offloader.stats().engine).toMatchObject({ name: "bullmq", up: true, backlog: 0 });
  });

  it("never waits for a Redis that is dead, and forwards all of it afterwards", { timeout: 30_000 }, async () => {
    const engine = bullmq({ connection: redis.url, queue: "outage" });
    const web = watch("tasks.mjs", {
      name: "outage",
      engine,
      journal: { dir: makeDirectory() },
      pool: { maxThreads: 1 },
    });
    await redis.kill();
    const handles = Array.from({ length: 50 }, (_, n) => web.offloader.offload("echo", n));
    expect(handles.every(({ state }) => state === "queued")).toBe(true);
    await redis.up();
    await web.events("forwarded", 50);
    await web.events("succeeded", 50);
    expect(new Set(web.recorded.filter(({ event }) => event === "succeeded").map(({ id }) => id)).size).toBe(50);
  });

  it("wakes a worker for a task that is given back", async () => {
    const queue = "given-back";
    const client = connect(optionsOf(queue));
    client.open({ state: () => {} });
    const body = { v: 1, enc: "json", payload: 1 } as const;
    const task = { id: "given-1", name: "echo", body, priority: 2, attempts: 1, acceptedAt: Date.now() } as const;
    await client.submit([task], AbortSignal.timeout(10_000));
    const delivery = await new Promise<Delivery>((resolve) => client.consume(resolve).grant(1));
    // A worker that looked in vain has taken it, and sleeps.
    redis.command("DEL", `bull:${queue}:marker`);
    await delivery.settle({ as: "returned", delayMs: 0 });
    expect(redis.command("EXISTS", `bull:${queue}:marker`)).toBe("1");
    await client.close(1_000);
  });

  it("tells why Redis cannot be reached, and not with which password", async () => {
    const engine = bullmq({ connection: "redis://somebody:hunter2@127.0.0.1:1", queue: "refused" });
    const web = watch("tasks.mjs", { name: "refused", role: "dispatch", engine, journal: { dir: makeDirectory() } });
    await until(() => web.offloader.stats().engine?.error !== undefined, "the engine to be down");
    const error = web.offloader.stats().engine?.error;
    expect(error?.message).toContain("ECONNREFUSED");
    expect(JSON.stringify({ ...error, stack: error?.stack })).not.toContain("hunter2");
  });

  describeRemoteEngine("BullMQ", (queue) => connect(optionsOf(queue)), {
    async dieWithTask(queue) {
      const child = fork(program, [JSON.stringify(optionsOf(queue))]);
      await once(child, "exit");
    },
    async loseLock(queue, id) {
      redis.command("DEL", `bull:${queue}:${id}:lock`);
    },
    kill: () => redis.kill(),
    restart: () => redis.up(),
    freeze: async () => redis.freeze(),
    thaw: async () => redis.thaw(),
    locksEnd: true,
  });
});

// BullMQ on a real Redis keeps the contract of remote-engine.ts.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Queue } from "bullmq";
import { bullmq } from "offload-after-response/bullmq";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect } from "../../../src/engine/remote/bullmq/client.js";
import { resolveBullMQ } from "../../../src/engine/remote/bullmq/options.js";
import { makeDirectory } from "../../support/directory.js";
import { thrownBy } from "../../support/offloader.js";
import { hasRedis, RedisServer } from "../../support/redis.js";
import { describeRemoteEngine } from "./conformance.js";

const program = fileURLToPath(new URL("programs/bullmq-dies.mjs", import.meta.url));
const directory = makeDirectory("redis");

describe("bullmq()", () => {
  it.each([
    [{ queue: "q" }, "connection"],
    [{ connection: "redis://127.0.0.1" }, "queue"],
    [{ connection: "redis://127.0.0.1", queue: "a:b" }, "queue"],
    [{ connection: { on() {} }, queue: "q" }, "connection"],
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

  describeRemoteEngine("BullMQ", (queue) => connect(optionsOf(queue)), {
    async dieWithTask(queue) {
      const child = fork(program, [JSON.stringify(optionsOf(queue))]);
      await once(child, "exit");
    },
    async loseLock(queue, id) {
      const own = new Queue(queue, { connection: { url: redis.url } });
      await (await own.client).del(`bull:${queue}:${id}:lock`);
      await own.close();
    },
    kill: () => redis.kill(),
    restart: () => redis.up(),
    freeze: async () => redis.freeze(),
    thaw: async () => redis.thaw(),
  });
});

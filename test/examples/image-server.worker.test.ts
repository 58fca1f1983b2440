// The image server as two programs around a real Redis: the web process answers, the worker process works, and what they share is a folder.
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { makeDirectory } from "../support/directory.js";
import { type Program, startProgram } from "../support/process.js";
import { hasRedis, RedisServer } from "../support/redis.js";
import { until } from "../support/until.js";
import {
  astronaut,
  chelsea,
  ended,
  expectWholePhotos,
  filesIn,
  newDataDir,
  type Photo,
  serverEvents,
  startImageServer,
  upload,
} from "./image-server.js";

interface Task {
  readonly id: string;
  readonly task: string;
}

describe.runIf(hasRedis())("the image server with a worker process", () => {
  let redis: RedisServer;
  let env: Record<string, string>;
  let dataDir: string;

  beforeAll(async () => {
    redis = await RedisServer.start(makeDirectory("redis"));
    return () => redis.kill();
  });

  function freshQueue(): void {
    redis.command("FLUSHALL");
    dataDir = newDataDir();
    env = { DATA_DIR: dataDir, REDIS_URL: redis.url, SHUTDOWN_TIMEOUT_MS: "60000" };
  }

  function startWorker(): Promise<Program> {
    return startProgram("examples/image-server/worker.ts", { env, ready: /^Worker for the queue on 127/m });
  }

  async function end(program: Program): Promise<void> {
    program.kill("SIGTERM");
    expect(await program.exited).toMatchObject({ code: 0, signal: null });
  }

  it("answers in one process, works in the other, and shows what became of each photo", {
    timeout: 60_000,
  }, async () => {
    freshQueue();
    const [web, worker] = await Promise.all([startImageServer(env), startWorker()]);
    const events = serverEvents(web.url);
    await events.next();

    const answer = await upload(web.url, astronaut, "astronaut.png");
    expect(answer.status).toBe(202);
    const photo = (await answer.json()) as Photo & Task;
    const done = await ended(events, photo.id);
    expect(done).toMatchObject({ state: "done", image: { width: 512, height: 512, planned: 9 } });
    await expectWholePhotos(dataDir, 1);
    for (const { file, bytes } of done.image?.variants ?? []) {
      const variant = await fetch(`${web.url}/photos/${photo.id}/${file}`);
      expect(await variant.arrayBuffer()).toHaveProperty("byteLength", bytes);
    }
    await worker.waitFor(new RegExp(`^Task ${photo.task} is done`, "m"));

    const before = await filesIn(dataDir);
    const damaged = (await (await upload(web.url, chelsea.subarray(0, chelsea.length / 2))).json()) as Photo & Task;
    expect(await ended(events, damaged.id)).toMatchObject({
      state: "failed",
      error: expect.stringContaining("damaged"),
    });
    expect(await filesIn(dataDir)).toEqual(before);
    await worker.waitFor(new RegExp(`^Task ${damaged.task} failed`, "m"));
    await Promise.all([end(web), end(worker)]);
  });

  it("has every photo done when both processes got a SIGTERM in the middle of the work, and others follow them", {
    timeout: 120_000,
  }, async () => {
    freshQueue();
    const [web, worker] = await Promise.all([startImageServer(env), startWorker()]);
    // More than the threads of the worker can have done when the first is.
    const count = 2 * availableParallelism() + 6;
    const sent = Array.from({ length: count }, (_, i) => upload(web.url, i % 2 ? astronaut : chelsea));
    const answers = await Promise.all(sent);
    expect(answers.map(({ status }) => status)).toEqual(Array(count).fill(202));
    const photos = (await Promise.all(answers.map((answer) => answer.json()))) as Photo[];
    const having = (file: string): Photo[] => photos.filter(({ id }) => existsSync(join(dataDir, "photos", id, file)));

    // One is done, and of another the first file is.
    await until(
      () => having("160.avif").length > having("result.json").length && having("result.json").length > 0,
      "work",
    );
    worker.kill("SIGTERM");
    const exit = await worker.exited;
    expect(exit).toMatchObject({ code: 0, signal: null });
    // It has finished what it had begun, and has not emptied the queue.
    const done = having("result.json");
    expect(having("160.avif")).toEqual(done);
    expect(exit.stdout.match(/^Task .* is done/gm)).toHaveLength(done.length);
    expect(exit.stderr).toContain('"abandoned":[]');
    expect(done.length).toBeLessThan(count);
    // The web process waits for no worker.
    await end(web);
    expect(having("result.json")).toEqual(done);

    const [nextWeb] = await Promise.all([startImageServer(env), startWorker()]);
    const events = serverEvents(nextWeb.url);
    const { value: hello } = await events.next();
    const left = new Set((hello.data.photos as Photo[]).filter(({ state }) => state !== "done").map(({ id }) => id));
    while (left.size > 0) {
      const { event, data } = (await events.next()).value;
      if (event === "photo" && (data as Photo).state === "done") left.delete((data as Photo).id);
    }
    await expectWholePhotos(dataDir, count);
    const listed = (await (await fetch(`${nextWeb.url}/photos`)).json()) as Photo[];
    expect(listed.map(({ state }) => state)).toEqual(Array(count).fill("done"));
  });

  it("takes photos while Redis is away, and has them done when it is back", { timeout: 60_000 }, async () => {
    freshQueue();
    const [web] = await Promise.all([startImageServer(env), startWorker()]);
    const events = serverEvents(web.url);
    await events.next();
    await redis.kill();
    const answer = await upload(web.url, chelsea);
    expect(answer.status).toBe(202);
    const { id } = (await answer.json()) as Photo;
    await redis.up();
    expect(await ended(events, id)).toMatchObject({ state: "done" });
  });
});

describe("the worker process", () => {
  it.each([
    ["is missing", undefined, /^A worker needs REDIS_URL/m],
    ["is no URL", "127.0.0.1:6379", /^REDIS_URL must be a URL such as redis:\/\/127\.0\.0\.1:6379/m],
  ])("says what to do when REDIS_URL %s", async (_what, url, ready) => {
    const program = await startProgram("examples/image-server/worker.ts", { env: { REDIS_URL: url }, ready });
    expect(await program.exited).toMatchObject({ code: 1, stderr: expect.not.stringContaining("    at ") });
  });
});

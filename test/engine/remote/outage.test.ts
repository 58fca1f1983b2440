// Whatever the broker suffers: a dispatch is as before, one line tells of each change, and everything is forwarded once it is back.
import { beforeEach, describe, expect, it } from "vitest";
import { insideOf } from "../../../src/intake/inside.js";
import { makeDirectory } from "../../support/directory.js";
import type { Watched } from "../../support/offloader.js";
import { until } from "../../support/until.js";
import { Cluster } from "./engines.js";

let cluster: Cluster;

beforeEach(async () => {
  cluster = await Cluster.start();
});

const aboutEngine = ({ lines }: Watched): string[] =>
  lines.filter(({ message }) => message.includes("the engine fake")).map(({ level, message }) => `${level} ${message}`);

function dispatch({ offloader }: Watched, count: number): string[] {
  return Array.from({ length: count }, (_, index) => offloader.offload("echo", { index, text: "x".repeat(50) }).id);
}

async function forwardedAll(web: Watched, ids: readonly string[]): Promise<void> {
  await web.events("forwarded", ids.length);
  expect(new Set(cluster.tasks.map(({ id }) => id))).toEqual(new Set(ids));
  expect(web.offloader.stats()).toMatchObject({ unfinished: 0, failed: 0 });
}

describe.each<[string, (cluster: Cluster) => unknown, (cluster: Cluster) => unknown]>([
  ["dead", ({ broker }) => broker.down(), ({ broker }) => broker.up()],
  ["frozen", ({ broker }) => broker.freeze(), ({ broker }) => broker.thaw()],
])("a broker that is %s", (_title, begin, end) => {
  it("holds up no dispatch, and gets everything when it is back", async () => {
    const web = cluster.web();
    const first = dispatch(web, 1);
    await web.event("forwarded");
    await begin(cluster);
    const before = dispatch(web, 300);
    await web.line(/cannot be reached/);
    const during = dispatch(web, 1_200);
    expect(web.offloader.stats()).toMatchObject({ queued: 1_500, engine: { up: false, backlog: 1_500 } });
    expect(web.offloader.stats().engine?.error).toBeInstanceOf(Error);
    await end(cluster);
    await forwardedAll(web, [...first, ...before, ...during]);
    expect(aboutEngine(web)).toEqual([
      "warn the engine fake cannot be reached; tasks wait here for it",
      "info the engine fake can be reached again",
    ]);
    expect(web.offloader.stats()).toMatchObject({ engine: { up: true, error: undefined, backlog: 0 } });
  });
});

describe("a broker", () => {
  it("that is absent at the start gets everything when it comes", async () => {
    await cluster.broker.down();
    const web = cluster.web();
    const ids = dispatch(web, 100);
    await web.line(/cannot be reached/);
    await cluster.broker.up();
    await forwardedAll(web, ids);
  });

  it.each(["OOM command not allowed", "READONLY You can't write against a read only replica"])(
    "that refuses everything (%s) makes no task a dead letter",
    async (refusal) => {
      const web = cluster.web();
      const first = dispatch(web, 1);
      await web.event("forwarded");
      cluster.broker.refusal = refusal;
      const ids = dispatch(web, 20);
      await until(() => cluster.broker.submissions.length > 0, "a submission");
      await new Promise((resolve) => setTimeout(resolve, 700));
      expect(web.offloader.stats()).toMatchObject({
        queued: 20,
        failed: 0,
        engine: { up: true, error: { message: refusal } },
      });
      cluster.broker.refusal = undefined;
      await forwardedAll(web, [...first, ...ids]);
      await web.line(/takes tasks again/);
      expect(aboutEngine(web)).toEqual([
        "warn the engine fake takes no tasks; they wait here for it",
        "info the engine fake takes tasks again",
      ]);
      expect(web.offloader.stats().engine?.error).toBeUndefined();
    },
  );

  it("that is slow gets them one batch after the other", async () => {
    cluster.broker.slowness = 100;
    const web = cluster.web();
    const ids = dispatch(web, 3_000);
    await forwardedAll(web, ids);
    expect(cluster.broker.submissions.length).toBeLessThan(12);
  });
});

describe("a client that cannot be loaded", () => {
  it("is told of once, and loses nothing", async () => {
    const dir = makeDirectory("engine");
    const web = cluster.web({ engine: { ...cluster.choice, module: "file:///nowhere/client.mjs" }, journal: { dir } });
    const { id } = web.offloader.offload("echo", 1);
    const { fields } = await web.line(/cannot be reached/);
    expect(fields.err).toMatchObject({ message: expect.stringContaining("/nowhere/client.mjs") });
    expect(web.offloader.stats()).toMatchObject({ queued: 1, engine: { up: false } });
    expect(await web.offloader.close({ timeout: 0 })).toMatchObject({ journaled: 1 });
    const next = cluster.web({ journal: { dir } });
    await next.offloader.ready();
    expect(await next.event("forwarded")).toMatchObject({ id });
  });
});

describe("a backlog", () => {
  it("is not bounded by queue.max, and holds no payload in memory", async () => {
    await cluster.broker.down();
    const web = cluster.web({ queue: { max: 10, maxBytes: 10_000 } });
    const ids = Array.from({ length: 100 }, () => web.offloader.offload("echo", { text: "x".repeat(1_000) }).id);
    expect(web.offloader.stats()).toMatchObject({ queued: 100, bytes: 0, engine: { backlog: 100 } });
    const tasks = insideOf(web.offloader)?.ledger.list() ?? [];
    expect(tasks.map(({ payload }) => payload)).toEqual(tasks.map(() => undefined));
    await cluster.broker.up();
    await web.events("forwarded", 100);
    expect(cluster.tasks.map(({ id }) => id)).toEqual(ids);
    expect(cluster.tasks[99]).toMatchObject({ body: { payload: { text: "x".repeat(1_000) } } });
  });

  it("is bounded by queue.max without a journal", async () => {
    await cluster.broker.down();
    const web = cluster.web({ journal: undefined, queue: { max: 10 } });
    dispatch(web, 10);
    expect(() => dispatch(web, 1)).toThrow(/queue\.max/);
    await cluster.broker.up();
    await web.events("forwarded", 10);
    expect(cluster.tasks).toHaveLength(10);
  });

  it("can be cancelled, before it is under way and while it is", async () => {
    await cluster.broker.down();
    const web = cluster.web();
    const handles = Array.from({ length: 1_500 }, (_, index) => web.offloader.offload("echo", index));
    await web.line(/cannot be reached/);
    const [underWay, waiting] = [handles[0], handles[1_400]];
    expect([underWay?.cancel(), waiting?.cancel()]).toEqual([true, true]);
    await cluster.broker.up();
    await web.events("forwarded", 1_498);
    await until(() => cluster.tasks.length === 1_498, "the cancelled task to be taken back");
    expect(cluster.tasks.map(({ id }) => id)).not.toContain(underWay?.id);
    expect([underWay?.state, waiting?.state]).toEqual(["cancelled", "cancelled"]);
  });

  it("waits while it is paused, and a paused name waits alone", async () => {
    const web = cluster.web();
    web.offloader.pause("fails");
    const paused = web.offloader.offload("fails", { message: "m" });
    const other = web.offloader.offload("echo", 1);
    await web.event("forwarded");
    expect([paused.state, other.state]).toEqual(["queued", "forwarded"]);
    web.offloader.resume("fails");
    await web.events("forwarded", 2);
    web.offloader.pause();
    const third = web.offloader.offload("echo", 2);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(third.state).toBe("queued");
    web.offloader.resume();
    await web.events("forwarded", 3);
  });
});

describe("a task that the broker refuses for good", () => {
  it.each([
    ["by a receipt", false],
    ["by rejecting every batch with it", true],
  ])("fails alone: %s", async (_how, rudely) => {
    cluster.broker.refused.add("fails");
    cluster.broker.rudely = rudely;
    const web = cluster.web();
    const ids = dispatch(web, 20);
    const guilty = web.offloader.offload("fails", { message: "m" });
    ids.push(...dispatch(web, 20));
    const failed = await web.event("failed");
    expect(failed.id).toBe(guilty.id);
    expect(failed.error).toMatchObject({
      code: "AR_NOT_FORWARDED",
      cause: { message: expect.stringContaining("not valid") },
    });
    await web.events("forwarded", 40);
    expect(aboutEngine(web)).toEqual([]);
    expect(cluster.tasks.map(({ id }) => id).sort()).toEqual(ids.sort());
    // It is a dead letter, and is forwarded again from there.
    expect(await web.offloader.deadLetters.list()).toMatchObject([{ id: guilty.id, task: "fails" }]);
    cluster.broker.refused.clear();
    await web.offloader.ready();
    expect(web.offloader.deadLetters.retry(guilty.id)?.id).toBe(guilty.id);
    await web.events("forwarded", 41);
    expect(cluster.stateOf(guilty.id)).toBe("waiting");
  });
});

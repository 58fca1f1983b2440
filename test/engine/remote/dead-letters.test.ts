// What failed for good is listed in one place, whoever keeps it.
import { beforeEach, describe, expect, it } from "vitest";
import { rejection } from "../../support/offloader.js";
import { until } from "../../support/until.js";
import { Cluster } from "./engines.js";

let cluster: Cluster;

beforeEach(async () => {
  cluster = await Cluster.start();
});

async function failedAtWorker(): Promise<string> {
  const web = cluster.web();
  const { id } = web.offloader.offload("fails", { message: "no disk" }, { attempts: 1 });
  cluster.worker();
  await until(() => cluster.stateOf(id) === "failed", "the failure");
  return id;
}

describe("dead letters", () => {
  it("are those of the journal and those of the queue", async () => {
    const id = await failedAtWorker();
    cluster.broker.refused.add("echo");
    const web = cluster.web();
    const refused = web.offloader.offload("echo", 1);
    await web.event("failed");
    const { deadLetters } = web.offloader;
    const letters = await deadLetters.list();
    expect(letters).toMatchObject([
      { id: refused.id, reason: "exhausted" },
      { id, task: "fails", place: "engine", reason: "exhausted", attempts: 1, error: { message: "no disk" } },
    ]);
    expect((await deadLetters.list({ place: "journal" })).map((letter) => letter.id)).toEqual([refused.id]);
    expect((await deadLetters.list({ place: "engine" })).map((letter) => letter.id)).toEqual([id]);
  });

  it("of the queue can be run again", async () => {
    const id = await failedAtWorker();
    const web = cluster.web();
    expect(await web.offloader.deadLetters.elsewhere.retry(id)).toBe(true);
    await until(() => cluster.broker.delivered.get(id) === 2, "the second run");
    expect(await web.offloader.deadLetters.elsewhere.retry("nobody-1")).toBe(false);
  });

  it("of the queue can be discarded", async () => {
    const id = await failedAtWorker();
    const web = cluster.web({ journal: undefined });
    expect(await web.offloader.deadLetters.elsewhere.discard(id)).toBe(true);
    expect(await web.offloader.deadLetters.list()).toEqual([]);
    expect(await web.offloader.deadLetters.elsewhere.discard(id)).toBe(false);
  });

  it("of the queue cannot be had while the broker is away, and those of the journal can", async () => {
    const web = cluster.web();
    web.offloader.offload("echo", 1);
    await web.event("forwarded");
    cluster.broker.freeze();
    const { deadLetters } = web.offloader;
    expect(await rejection(deadLetters.list())).toMatchObject({ code: "AR_ENGINE_UNAVAILABLE" });
    expect(await deadLetters.list({ place: "journal" })).toEqual([]);
    cluster.broker.thaw();
  });
});

describe("handle.durable", () => {
  it("resolves with the journal, and without one when the queue has the task", async () => {
    await cluster.broker.down();
    const web = cluster.web();
    await web.offloader.offload("echo", 1).durable;
    expect(web.offloader.stats().queued).toBe(1);
    const without = cluster.web({ journal: undefined });
    const handle = without.offloader.offload("echo", 1);
    let isDurable = false;
    const durable = handle.durable.then(() => {
      isDurable = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(isDurable).toBe(false);
    await cluster.broker.up();
    await durable;
    expect(handle.state).toBe("forwarded");
  });

  it("rejects without a journal when the task ends before the queue has it", async () => {
    await cluster.broker.down();
    const web = cluster.web({ journal: undefined });
    const handle = web.offloader.offload("echo", 1);
    const durable = rejection(handle.durable);
    handle.cancel();
    expect(await durable).toMatchObject({ code: "AR_CANCELLED" });
  });
});

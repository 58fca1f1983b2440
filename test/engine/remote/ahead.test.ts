// A worker takes short tasks ahead of the places that it has, and gives back what it took in vain.
import { beforeEach, describe, expect, it } from "vitest";
import { insideOf } from "../../../src/intake/inside.js";
import type { Watched } from "../../support/offloader.js";
import { until } from "../../support/until.js";
import { Cluster } from "./engines.js";

let cluster: Cluster;
let web: Watched;

beforeEach(async () => {
  cluster = await Cluster.start();
  web = cluster.web();
});

const running = (): number => cluster.tasks.filter(({ id }) => cluster.stateOf(id) === "running").length;

/** Dispatches tasks, and waits until the broker has them. */
async function dispatch(name: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, index) => web.offloader.offload(name, index).id);
  await web.events("forwarded", count, ({ id = "" }) => ids.includes(id));
  return ids;
}

/** Has the tasks of a name count as tiny, whatever their runs take on a busy machine. */
function quick(worker: Watched, name: string): Watched {
  const stop = worker.offloader.on("started", ({ id, task }) => {
    if (task !== name) return;
    stop();
    const tasks = insideOf(worker.offloader)?.ledger.list();
    const definition = tasks?.find((each) => (each.replayedId ?? each.id) === id)?.definition;
    Object.defineProperty(definition, "expectedMs", { get: () => 0.01, set() {} });
  });
  return worker;
}

/** A worker of one thread that has learnt that "echo" is tiny. */
async function quickWorker(): Promise<Watched> {
  const worker = quick(cluster.worker({ pool: { maxThreads: 1 } }), "echo");
  const [first = ""] = await dispatch("echo", 1);
  await worker.event("succeeded", ({ id }) => id === first);
  return worker;
}

describe("tasks that are taken ahead", () => {
  it("are more than the threads can run, as long as tasks are short", async () => {
    const worker = await quickWorker();
    worker.offloader.pause();
    const ids = await dispatch("echo", 300);
    let most = 0;
    worker.offloader.on("succeeded", () => {
      most = Math.max(most, worker.offloader.stats().unfinished);
    });
    worker.offloader.resume();
    const succeeded = await worker.events("succeeded", 301);
    // One that runs, and those that may be ahead of one place. How many are here at a time is a matter of who is faster.
    expect(cluster.broker.mostCredits(cluster.queue)).toBe(17);
    expect(most).toBeLessThanOrEqual(17);
    expect(succeeded.map(({ id }) => id)).toEqual(expect.arrayContaining(ids));
  });

  it("go back when a long task has come before them, and another worker runs them", async () => {
    const worker = await quickWorker();
    const [long = ""] = await dispatch("waits", 1);
    const behind = await dispatch("echo", 10);
    await cluster.gate.arrival();
    await until(() => running() === 1, "what waits behind the long task to be given back");
    expect(behind.map((id) => cluster.stateOf(id))).toEqual(Array(10).fill("waiting"));
    const other = cluster.worker();
    await other.events("succeeded", 10);
    // Of their ends and not of their starts: on a busy machine a thread may be so slow that its tasks are taken back and started again.
    expect(other.recorded.filter(({ event }) => event === "succeeded").map(({ attempt }) => attempt)).toEqual(
      Array(10).fill(1),
    );
    for (const id of behind) expect(worker.ends(id)).not.toContain("succeeded");
    cluster.gate.open();
    await worker.event("succeeded", ({ id }) => id === long);
  });

  it("are none after a pause", async () => {
    await quickWorker();
    await until(() => cluster.broker.credits(cluster.queue) === 1, "the credits to be taken back");
    await dispatch("waits", 5);
    await cluster.gate.arrival();
    expect(running()).toBe(1);
    cluster.gate.open();
  });

  it("are none beside a task that a worker has died of", async () => {
    const suspect = web.offloader.offload("waits", 1, { priority: "low" }).id;
    await until(() => cluster.stateOf(suspect) === "waiting", "the suspect to be with the broker");
    await cluster.dieWithTask();
    const first = await dispatch("echo", 30);
    const worker = quick(cluster.worker({ pool: { maxThreads: 1 } }), "echo");
    await worker.event("accepted", ({ id }) => id === suspect);
    const behind = await dispatch("echo", 5);
    await cluster.gate.arrival();
    await until(() => running() === 1, "nothing beside the suspect");
    expect(behind.map((id) => worker.story(id))).toEqual(Array(5).fill([]));
    cluster.gate.open();
    await worker.events("succeeded", first.length + 1 + behind.length);
  });

  it("go back at a shutdown", async () => {
    const worker = await quickWorker();
    const [long = ""] = await dispatch("waits", 1);
    const behind = await dispatch("echo", 10);
    await cluster.gate.arrival();
    const closing = worker.offloader.close({ timeout: 10_000 });
    await until(() => behind.every((id) => cluster.stateOf(id) === "waiting"), "what waits to be given back");
    expect(cluster.stateOf(long)).toBe("running");
    cluster.gate.open();
    expect(await closing).toMatchObject({ abandoned: [] });
  });
});

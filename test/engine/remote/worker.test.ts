// What the queue elsewhere delivers runs on the threads here, and the queue is told how it ended.
import { tracingChannel } from "node:diagnostics_channel";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { insideOf } from "../../../src/intake/inside.js";
import type { FakeBroker } from "../../support/fake-broker/broker.mjs";
import type { Watched } from "../../support/offloader.js";
import { until } from "../../support/until.js";
import { Cluster } from "./engines.js";

let cluster: Cluster;

beforeEach(async () => {
  cluster = await Cluster.start();
});

const settledOf = (id: string): FakeBroker["settled"] => cluster.broker.settled.filter((settled) => settled.id === id);

/** Dispatches one task, and waits until the broker has it. */
async function dispatch(web: Watched, ...args: Parameters<Watched["offloader"]["offload"]>): Promise<string> {
  const { id } = web.offloader.offload(...args);
  await web.event("forwarded", (event) => event.id === id);
  return id;
}

/** A worker that has been given a task that another one died of, while the task before it still runs. */
async function suspectBehindAnother(): Promise<{ suspect: string; before: string; web: Watched; worker: Watched }> {
  const web = cluster.web();
  const suspect = await dispatch(web, "echo", 1);
  await cluster.dieWithTask();
  const before = await dispatch(web, "waits", 1, { priority: "high" });
  const worker = cluster.worker();
  await cluster.gate.arrival();
  await until(() => cluster.stateOf(suspect) === "running", "the delivery");
  // The broker has sent it. An answer to a question that was asked after another answer comes behind it.
  for (let answers = 0; answers < 2; answers++) await worker.offloader.deadLetters.list({ place: "engine" });
  return { suspect, before, web, worker };
}

describe("a delivered task", () => {
  it("has the id, the age, the context, the parent and the carrier of its dispatch", async () => {
    const web = cluster.web({ context: () => ({ request: 7 }) });
    const id = await dispatch(web, "echo", 1, { key: "k", priority: "low" });
    const worker = cluster.worker();
    const ended = await worker.event("succeeded");
    expect(ended).toMatchObject({ id, task: "echo", attempt: 1, key: "k", priority: "low", context: { request: 7 } });
    expect(worker.story(id)).toEqual(["accepted", "queued", "started", "succeeded"]);
    await until(() => settledOf(id).length > 0, "the end");
    expect(settledOf(id)).toEqual([{ id, as: "succeeded" }]);
    expect(cluster.stateOf(id)).toBeUndefined();
  });

  it("that fails with attempts left is kept by the broker until the next one", async () => {
    const web = cluster.web();
    const id = await dispatch(web, "failsUntil", { attempt: 3 }, { attempts: 5, backoff: 30 });
    const worker = cluster.worker();
    await worker.event("succeeded");
    await until(() => settledOf(id).length === 3, "its ends");
    expect(settledOf(id)).toMatchObject([
      { as: "retry", delayMs: 30, error: "attempt 1 is too early" },
      { as: "retry", delayMs: 30, error: "attempt 2 is too early" },
      { as: "succeeded" },
    ]);
    const once = ["accepted", "queued", "started", "retrying", "forwarded"];
    expect(worker.story(id)).toEqual([...once, ...once, "accepted", "queued", "started", "succeeded"]);
    expect(worker.recorded.filter(({ event }) => event === "started").map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  });

  it("that fails on its last attempt is among the broker's failures", async () => {
    const web = cluster.web();
    const id = await dispatch(web, "fails", { message: "no disk" }, { attempts: 2, backoff: 1 });
    const worker = cluster.worker();
    await worker.event("failed");
    await until(() => cluster.stateOf(id) === "failed", "the failure");
    expect(settledOf(id)[1]).toMatchObject({ as: "failed", reason: "exhausted", error: "no disk" });
    expect(worker.lines.filter(({ message }) => message === "task failed")).toHaveLength(1);
  });

  it("that throws a NonRetryableError has no other attempt", async () => {
    const web = cluster.web();
    const id = await dispatch(web, "givesUp", 1, { attempts: 5 });
    cluster.worker();
    await until(() => cluster.stateOf(id) === "failed", "the failure");
    expect(settledOf(id)).toHaveLength(1);
  });

  it("has the timeout, the attempts and the backoff of the worker's policy", async () => {
    const web = cluster.web();
    const id = await dispatch(web, "never");
    cluster.worker({
      policies: { never: { timeout: 50, attempts: 2, backoff: 10 } },
      pool: { abortGrace: 50 },
    });
    await until(() => cluster.stateOf(id) === "failed", "the failure");
    expect(settledOf(id)).toMatchObject([
      { as: "retry", delayMs: 10 },
      { as: "failed", reason: "timeout" },
    ]);
  });

  it("that a worker died of runs alone on its thread", async () => {
    const web = cluster.web();
    const worker = cluster.worker();
    await worker.offloader.ready();
    const id = await dispatch(web, "waits");
    await cluster.gate.arrival();
    const task = insideOf(worker.offloader)?.ledger.list().at(0);
    expect([task?.id, task?.runsAlone]).toEqual([id, false]);
    // The connection of the worker breaks, so that the broker believes it dead.
    await cluster.broker.down();
    await worker.event("forwarded");
    await cluster.broker.up();
    await worker.events("started", 2);
    expect(insideOf(worker.offloader)?.ledger.list().at(0)).toMatchObject({ id, runsAlone: true, attempt: 1 });
    cluster.gate.open();
    await worker.event("succeeded");
  });

  it("that a worker died of begins when the others have ended, and no other begins beside it", async () => {
    const { suspect, before, web, worker } = await suspectBehindAnother();
    const after = [await dispatch(web, "reports", 1), await dispatch(web, "reports", 2)];
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(worker.story(suspect)).toEqual([]);
    cluster.gate.open();
    await worker.events("succeeded", 4);
    const order = worker.recorded.filter(({ event }) => event === "started" || event === "succeeded");
    expect(order.slice(0, 4).map(({ event, id }) => [event, id])).toEqual([
      ["started", before],
      ["succeeded", before],
      ["started", suspect],
      ["succeeded", suspect],
    ]);
    expect(order.slice(4).map(({ id }) => id)).toEqual(expect.arrayContaining(after));
  });

  it("that waits to be alone goes back when its name is paused, and others run", async () => {
    const { suspect, web, worker } = await suspectBehindAnother();
    worker.offloader.pause("echo");
    cluster.gate.open();
    await until(() => settledOf(suspect).length > 0, "its return");
    const other = await dispatch(web, "reports", 1);
    await worker.event("succeeded", ({ id }) => id === other);
    expect(worker.story(suspect)).toEqual([]);
  });

  it("that waits to be alone goes back when its worker ends", async () => {
    const { suspect, worker } = await suspectBehindAnother();
    await worker.offloader.close({ timeout: 0 });
    expect(settledOf(suspect)).toEqual([{ id: suspect, as: "returned", delayMs: 0 }]);
    expect(worker.story(suspect)).toEqual([]);
  });

  it("that three workers died of is not run again", async () => {
    const web = cluster.web();
    const id = await dispatch(web, "echo", 1);
    for (let times = 0; times < 3; times++) await cluster.dieWithTask();
    const worker = cluster.worker();
    await until(() => cluster.stateOf(id) === "failed", "the failure");
    expect(settledOf(id)).toMatchObject([{ as: "failed", reason: "crashed" }]);
    expect(worker.story(id)).toEqual([]);
    expect(await worker.line(/not run again/)).toMatchObject({ level: "error", fields: { id, task: "echo" } });
  });

  it("brings what tracers wrote into its dispatch", async () => {
    const channel = tracingChannel<unknown, { carrier: Record<string, string> }>("after-response.dispatch");
    const subscribers = {
      start({ carrier }: { carrier: Record<string, string> }) {
        carrier.traceparent = "00-1-2-01";
      },
    };
    channel.subscribe(subscribers as never);
    onTestFinished(() => void channel.unsubscribe(subscribers as never));
    const web = cluster.web();
    const id = await dispatch(web, "echo", 1);
    expect(cluster.tasks).toMatchObject([{ id, trace: { traceparent: "00-1-2-01" } }]);
    const worker = cluster.worker();
    expect(await worker.event("succeeded")).toMatchObject({ id, carrier: { traceparent: "00-1-2-01" } });
  });

  it("that was cancelled here is a failure there", async () => {
    const web = cluster.web();
    const worker = cluster.worker();
    const id = await dispatch(web, "waits");
    await cluster.gate.arrival();
    expect(worker.offloader.find(id)?.cancel("enough")).toBe(true);
    await until(() => cluster.stateOf(id) === "failed", "the failure");
    expect(settledOf(id)).toMatchObject([{ as: "failed", reason: "cancelled" }]);
  });

  it("leaves further work to the queue, which knows its parent", async () => {
    const web = cluster.web();
    const worker = cluster.worker();
    const parent = await dispatch(web, "leaves", { name: "echo", payload: "further" });
    await worker.events("succeeded", 2);
    const accepted = worker.recorded.filter(({ event, task }) => event === "accepted" && task === "echo");
    expect(accepted.map((event) => event.parent)).toEqual([parent, parent]);
    expect(new Set(accepted.map(({ id }) => id)).size).toBe(1);
  });
});

describe("a worker", () => {
  it("takes no more than its threads can run", async () => {
    const web = cluster.web();
    const worker = cluster.worker();
    await worker.offloader.ready();
    const ids = [];
    for (let index = 0; index < 6; index++) ids.push(await dispatch(web, "waits"));
    await cluster.gate.arrival(2);
    expect(ids.map((id) => cluster.stateOf(id))).toEqual(["running", "running", ...Array(4).fill("waiting")]);
    expect([...cluster.broker.delivered.values()]).toEqual([1, 1]);
    cluster.gate.open();
    await worker.events("succeeded", 6);
  });

  it("gives tasks back that wait for the limit of their name, and runs the others", async () => {
    const web = cluster.web();
    const worker = cluster.worker({ policies: { waits: { concurrency: 1 } } });
    await worker.offloader.ready();
    for (let index = 0; index < 4; index++) await dispatch(web, "waits", index);
    await cluster.gate.arrival();
    const other = await dispatch(web, "echo", 1);
    expect(await worker.event("succeeded")).toMatchObject({ id: other });
    cluster.gate.open();
    await worker.events("succeeded", 5);
    const attempts = worker.recorded.filter(({ event }) => event === "started").map(({ attempt }) => attempt);
    expect(attempts).toEqual(Array(5).fill(1));
  });

  it("takes nothing while it is paused", async () => {
    const web = cluster.web();
    const worker = cluster.worker();
    await worker.offloader.ready();
    worker.offloader.pause();
    const id = await dispatch(web, "echo");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect([cluster.stateOf(id), worker.offloader.stats().unfinished]).toEqual(["waiting", 0]);
    worker.offloader.resume();
    await worker.event("succeeded");
  });

  it("returns tasks of a paused name, and runs the others", async () => {
    const web = cluster.web();
    const worker = cluster.worker();
    await worker.offloader.ready();
    worker.offloader.pause("echo");
    const paused = [];
    for (let index = 0; index < 4; index++) paused.push(await dispatch(web, "echo", index));
    const other = await dispatch(web, "reports", 1);
    expect(await worker.event("succeeded")).toMatchObject({ id: other });
    worker.offloader.resume("echo");
    await worker.events("succeeded", 5);
    expect(worker.recorded.filter(({ event }) => event === "started").map(({ attempt }) => attempt)).toEqual(
      Array(5).fill(1),
    );
  });

  it("takes nothing while it drains, and goes on afterwards", async () => {
    const web = cluster.web();
    const worker = cluster.worker();
    await worker.offloader.ready();
    const first = await dispatch(web, "waits");
    await cluster.gate.arrival();
    const drain = worker.offloader.drain();
    const second = await dispatch(web, "echo");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect([cluster.stateOf(first), cluster.stateOf(second)]).toEqual(["running", "waiting"]);
    cluster.gate.open();
    expect(await drain).toMatchObject({ drained: true });
    await worker.events("succeeded", 2);
  });

  it("returns a task whose name it does not know, with growing delays, until another knows it", async () => {
    const client = await cluster.client();
    const worker = cluster.worker();
    await worker.offloader.ready();
    const task = { id: "new-1", name: "ofANewerDeploy", priority: 2, attempts: 1, acceptedAt: Date.now() } as const;
    await client.submit([{ ...task, body: { v: 1, enc: "json", payload: 1 } }], new AbortController().signal);
    await until(() => settledOf("new-1").length === 2, "two returns");
    expect(settledOf("new-1")).toEqual([
      { id: "new-1", as: "returned", delayMs: 1_000 },
      { id: "new-1", as: "returned", delayMs: 2_000 },
    ]);
    expect(worker.recorded.filter(({ id }) => id === "new-1")).toEqual([]);
  });

  it("returns what it cannot read", async () => {
    const client = await cluster.client();
    cluster.worker();
    const task = { name: "echo", priority: 2, attempts: 1, acceptedAt: Date.now() } as const;
    const body = { v: 2, enc: "json", payload: 1 } as unknown as { v: 1; enc: "json"; payload: unknown };
    const bytes = { v: 1, enc: "bytes", data: "AAAA" } as const;
    await client.submit(
      [
        { ...task, id: "newer-1", body },
        { ...task, id: "garbled-1", body: bytes },
      ],
      new AbortController().signal,
    );
    for (const id of ["newer-1", "garbled-1"]) {
      await until(() => settledOf(id).length === 1, "a return");
      expect(settledOf(id)).toEqual([{ id, as: "returned", delayMs: 1_000 }]);
    }
  });

  it("aborts a task whose lock is lost, and settles nothing", async () => {
    const web = cluster.web();
    const worker = cluster.worker({ pool: { maxThreads: 1 } });
    await worker.offloader.ready();
    const id = await dispatch(web, "waits");
    await cluster.gate.arrival();
    cluster.broker.loseLock(cluster.queue, id);
    const ended = await worker.event("forwarded");
    expect(ended).toMatchObject({ id, attempt: 1 });
    expect((await worker.line(/lost|lock/)).fields).toMatchObject({ id });
    cluster.gate.open();
    // The broker gives it out again, here to the same worker.
    await worker.event("succeeded");
    await until(() => settledOf(id).length > 0, "the end");
    expect(settledOf(id)).toEqual([{ id, as: "succeeded" }]);
  });

  it("keeps a task apart from its second delivery, while the first goes on without its lock", async () => {
    const web = cluster.web();
    const worker = cluster.worker({ pool: { maxThreads: 2, abortGrace: 20_000 } });
    await worker.offloader.ready();
    const id = await dispatch(web, "goesOn");
    await cluster.gate.arrival();
    cluster.broker.loseLock(cluster.queue, id);
    await cluster.gate.arrival(2);
    expect(worker.offloader.find(id)).toMatchObject({ id, state: "running" });
    expect(worker.offloader.stats().running).toBe(2);
    cluster.gate.open();
    await worker.event("succeeded");
    await worker.offloader.idle();
    expect(worker.offloader.find(id)).toBeUndefined();
    expect(
      worker
        .story(id)
        .filter((event) => ["succeeded", "forwarded"].includes(event))
        .sort(),
    ).toEqual(["forwarded", "succeeded"]);
    await until(() => settledOf(id).length > 0, "the end");
    expect(settledOf(id)).toEqual([{ id, as: "succeeded" }]);
  });

  it("takes less while tasks of its own are on its threads", async () => {
    const web = cluster.web();
    const worker = cluster.worker({ policies: { goesOn: { engine: false } } });
    await worker.offloader.ready();
    worker.offloader.offload("goesOn");
    await cluster.gate.arrival();
    // One credit was out when the task came, and another was given for its place.
    const ids = [];
    for (let index = 0; index < 5; index++) ids.push(await dispatch(web, "waits"));
    await cluster.gate.arrival(2);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const running = ids.filter((id) => cluster.stateOf(id) === "running");
    expect(running.length).toBeLessThanOrEqual(2);
    cluster.gate.open();
    await worker.events("succeeded", 6);
  });

  it("tells an end again when the broker does not take it", async () => {
    const web = cluster.web();
    const worker = cluster.worker();
    await worker.offloader.ready();
    const id = await dispatch(web, "waits");
    await cluster.gate.arrival();
    cluster.broker.refusal = "OOM command not allowed";
    cluster.gate.open();
    await worker.event("succeeded");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(settledOf(id)).toEqual([]);
    cluster.broker.refusal = undefined;
    await until(() => settledOf(id).length > 0, "the end");
    expect(cluster.broker.delivered.get(id)).toBe(1);
  });
});

describe("a process that does both", () => {
  it("runs what it dispatches, once", async () => {
    const both = cluster.worker({ role: undefined, journal: undefined });
    const waiting = both.offloader.offload("waits");
    await cluster.gate.arrival();
    expect(both.offloader.find(waiting.id)?.state).toBe("running");
    cluster.gate.open();
    await both.event("succeeded");
    const ids = Array.from({ length: 50 }, (_, index) => both.offloader.offload("echo", index).id);
    await both.events("succeeded", 51);
    ids.push(waiting.id);
    const succeeded = both.recorded.filter(({ event }) => event === "succeeded").map(({ id }) => id);
    expect([...succeeded].sort()).toEqual([...ids].sort());
    expect(both.lines.filter(({ message }) => message.includes("no journal"))).toHaveLength(1);
  });
});

// The end of a process with an engine: what was forwarded is drained, what was not stays in the journal, what a worker has not finished
// goes back at once, and the broker never holds up an exit.
import { beforeEach, describe, expect, it } from "vitest";
import { makeDirectory } from "../../support/directory.js";
import type { Watched } from "../../support/offloader.js";
import { startProgram } from "../../support/process.js";
import { until } from "../../support/until.js";
import { type Closing, endsByItself } from "./closing.js";
import { Cluster } from "./engines.js";

let cluster: Cluster;

beforeEach(async () => {
  cluster = await Cluster.start();
});

async function timeOf(work: Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work;
  return performance.now() - begun;
}

async function runningAt(worker: Watched, count: number): Promise<string[]> {
  await worker.offloader.ready();
  const web = cluster.web();
  const ids = Array.from({ length: count }, (_, index) => web.offloader.offload("goesOn", index).id);
  await web.events("forwarded", count);
  await worker.events("started", Math.min(count, 2));
  return ids;
}

describe("a web process", () => {
  it("has drained when the broker has everything", async () => {
    const web = cluster.web();
    for (let index = 0; index < 500; index++) web.offloader.offload("echo", index);
    const report = await web.offloader.close({ timeout: 10_000 });
    expect(report).toMatchObject({ abandoned: [], journaled: 0 });
    expect(cluster.tasks).toHaveLength(500);
  });

  it.each([
    ["dead", () => cluster.broker.down(), () => cluster.broker.up()],
    ["frozen", async () => cluster.broker.freeze(), async () => cluster.broker.thaw()],
  ])("leaves the backlog in its journal when the broker is %s at the deadline", async (_title, begin, end) => {
    const dir = makeDirectory("engine");
    const web = cluster.web({ journal: { dir } });
    web.offloader.offload("echo", "first");
    await web.event("forwarded");
    await begin();
    const ids = Array.from({ length: 50 }, (_, index) => web.offloader.offload("echo", index).id);
    let report: unknown;
    const closing = web.offloader.close({ timeout: 1_000 }).then((done) => {
      report = done;
    });
    expect(await timeOf(closing)).toBeLessThan(1_600);
    expect(report).toMatchObject({ abandoned: [], journaled: 50 });
    await end();
    const next = cluster.web({ journal: { dir } });
    await next.offloader.ready();
    await next.events("forwarded", 50);
    expect(cluster.tasks.map(({ id }) => id)).toEqual(expect.arrayContaining(ids));
    expect(cluster.tasks).toHaveLength(51);
  });

  it("abandons the backlog by id without a journal", async () => {
    await cluster.broker.down();
    const web = cluster.web({ journal: undefined });
    expect(await web.line(/no journal/)).toMatchObject({ level: "warn" });
    const { id } = web.offloader.offload("echo", 1);
    const report = await web.offloader.close({ timeout: 200 });
    expect(report).toMatchObject({ abandoned: [{ id, task: "echo" }] });
  });

  it("that is killed leaves a backlog that the next process forwards under the same ids", async () => {
    const dir = makeDirectory("engine");
    const program = "test/engine/remote/programs/web.ts";
    const options = { ready: /^ready/m };
    await cluster.broker.down();
    const args = [String(cluster.broker.port), cluster.queue, dir];
    const first = await startProgram(program, { ...options, args: [...args, "200"] });
    const [, list = "[]"] = await first.waitFor(/^ready (.+)$/m);
    const ids = JSON.parse(list) as string[];
    first.kill("SIGKILL");
    await first.exited;
    await cluster.broker.up();
    const second = await startProgram(program, { ...options, args: [...args, "0"] });
    await second.waitFor(/^all forwarded$/m);
    expect(cluster.tasks.map(({ id }) => id)).toEqual(ids);
    second.kill("SIGTERM");
    expect(await second.exited).toMatchObject({ code: 0 });
  });

  it("that is killed after the forward and before its record makes no second task", async () => {
    const dir = makeDirectory("engine");
    const program = "test/engine/remote/programs/web.ts";
    const args = [String(cluster.broker.port), cluster.queue, dir];
    cluster.broker.silent.add("submit");
    const first = await startProgram(program, { ready: /^ready/m, args: [...args, "20"] });
    await until(() => cluster.tasks.length === 20, "the tasks");
    first.kill("SIGKILL");
    await first.exited;
    cluster.broker.silent.clear();
    const second = await startProgram(program, { ready: /^ready/m, args: [...args, "0"] });
    await second.waitFor(/^all forwarded$/m);
    expect(cluster.broker.submissions.flat().length).toBeGreaterThanOrEqual(40);
    expect(cluster.tasks).toHaveLength(20);
    second.kill("SIGKILL");
    await second.exited;
  });
});

describe("a process that has closed", () => {
  it.each<[string, Omit<Closing, "queue">, "dead" | "frozen"]>([
    [
      "a paused backlog and a frozen broker",
      { role: "dispatch", backlog: 10_000, paused: true, timeout: 500 },
      "frozen",
    ],
    ["no time, a backlog and a frozen broker", { role: "dispatch", backlog: 1_000, timeout: 0, exits: true }, "frozen"],
    ["no time, a backlog and a dead broker", { role: "both", backlog: 1_000, timeout: 0, exits: true }, "dead"],
    ["no time, a running task and a frozen broker", { role: "both", running: true, timeout: 0 }, "frozen"],
    ["nothing to do and a frozen broker", { role: "work", timeout: 0 }, "frozen"],
  ])("ends by itself and with the exit code that it wants: %s", async (_title, closing, how) => {
    const { broker, queue } = cluster;
    await endsByItself({ port: broker.port, queue, ...closing }, () => {
      return how === "dead" ? broker.down() : broker.freeze();
    });
  });

  it("does not wait for a client that is in native code", async () => {
    const program = await startProgram("test/engine/remote/programs/sticks.ts", { ready: /^closed$/m });
    const { code, signal, durationMs } = await program.exited;
    // Before Node 22.15 nothing but SIGKILL ends such a process.
    expect({ code, signal }).toEqual(
      "execve" in process ? { code: 3, signal: null } : { code: null, signal: "SIGKILL" },
    );
    // Its end takes 20 s.
    expect(durationMs).toBeLessThan(15_000);
  });

  it.each([0, 200, 1_000])("gives the broker no more than the %i ms that there are", async (timeout) => {
    const web = cluster.web();
    web.offloader.offload("echo", 1);
    await web.event("forwarded");
    cluster.broker.silent.add("bye");
    await web.offloader.close({ timeout });
    expect(cluster.broker.byes).toEqual([expect.any(Number)]);
    // Without any time left, the end of a thread has some ms all the same.
    expect(cluster.broker.byes[0]).toBeLessThan(Math.max(timeout, 50));
  });
});

describe("a worker", () => {
  it("takes nothing from the signal on, and finishes what runs", async () => {
    const worker = cluster.worker();
    const ids = await runningAt(worker, 4);
    const closing = worker.offloader.close({ timeout: 10_000 });
    cluster.gate.open();
    expect(await closing).toMatchObject({ abandoned: [] });
    expect(ids.map((id) => cluster.stateOf(id)).sort()).toEqual(["waiting", "waiting", undefined, undefined].sort());
  });

  it("gives back at the deadline what is unfinished, at once and with no attempt counted", async () => {
    const worker = cluster.worker({ pool: { maxThreads: 2, abortGrace: 10_000 } });
    const ids = await runningAt(worker, 2);
    const other = cluster.worker();
    await other.offloader.ready();
    const closing = worker.offloader.close({ timeout: 5_000 });
    await worker.line(/aborting/);
    const begun = performance.now();
    await other.events("started", 2);
    // Their code goes on here for longer: nobody waits for it.
    expect(performance.now() - begun).toBeLessThan(1_500);
    expect(other.recorded.filter(({ event }) => event === "started").map(({ attempt }) => attempt)).toEqual([1, 1]);
    expect(cluster.broker.settled.map(({ id, as }) => [id, as])).toEqual(
      expect.arrayContaining(ids.map((id) => [id, "returned"])),
    );
    cluster.gate.open();
    // They are not lost, so nobody has to write them down.
    expect(await closing).toMatchObject({ abandoned: [] });
    for (const id of ids) expect(worker.ends(id)).toEqual(["forwarded"]);
    await other.events("succeeded", 2);
  });

  it.each([
    ["dead", () => cluster.broker.down()],
    ["frozen", async () => cluster.broker.freeze()],
  ])("is closed in time when the broker is %s", async (_title, begin) => {
    const worker = cluster.worker({ pool: { maxThreads: 2, abortGrace: 200 } });
    await runningAt(worker, 2);
    await begin();
    expect(await timeOf(worker.offloader.close({ timeout: 1_500 }))).toBeLessThan(2_200);
    cluster.broker.thaw();
  });
});

describe("the thread of an engine", () => {
  it("is replaced when its client ends it, and nothing is lost", async () => {
    const web = cluster.web();
    web.offloader.offload("echo", 0);
    await web.event("forwarded");
    cluster.broker.refusal = "die";
    const ids = Array.from({ length: 20 }, (_, index) => web.offloader.offload("echo", index).id);
    await web.line(/cannot be reached/);
    cluster.broker.refusal = undefined;
    await web.events("forwarded", 21);
    expect(cluster.tasks.map(({ id }) => id)).toEqual(expect.arrayContaining(ids));
  });

  it("that dies takes the locks of a worker with it, which takes tasks again afterwards", async () => {
    const worker = cluster.worker();
    const ids = await runningAt(worker, 1);
    cluster.broker.refusal = "die";
    const web = cluster.web({ engine: cluster.choice });
    cluster.gate.open();
    await worker.event("succeeded");
    await worker.line(/cannot be reached/);
    cluster.broker.refusal = undefined;
    // The broker has not heard of the end: the task runs again.
    await worker.events("succeeded", 2);
    expect(worker.recorded.filter(({ event }) => event === "succeeded").map(({ id }) => id)).toEqual([ids[0], ids[0]]);
    web.offloader.offload("echo", 1);
    await worker.events("succeeded", 3);
  });

  it("keeps no process alive that only dispatches and has nothing left", async () => {
    const program = await startProgram("test/engine/remote/programs/ends.ts", {
      ready: /^dispatched$/m,
      args: [String(cluster.broker.port), cluster.queue, makeDirectory("engine")],
    });
    expect(await program.exited).toMatchObject({ code: 0 });
    expect(cluster.tasks).toHaveLength(10);
  });
});

// The threads engine by itself: what it does with tasks that were sent ahead to a thread and have not begun.
import { describe, expect, it, onTestFinished } from "vitest";
import { silentLogger } from "../../../src/base/logger.js";
import { turn } from "../../../src/base/time.js";
import type { TaskDefinition } from "../../../src/core/definition.js";
import { Events } from "../../../src/core/events.js";
import { capture } from "../../../src/core/payload/capture.js";
import type { Dispatch, Task } from "../../../src/core/task.js";
import { findTasksModule } from "../../../src/engine/threads/module/tasks-module.js";
import { resolvePool } from "../../../src/engine/threads/options.js";
import { ThreadsEngine } from "../../../src/engine/threads/threads-engine.js";
import { Gate } from "../../support/gate.js";
import { rejection } from "../../support/offloader.js";
import { defineTask, ids } from "../../support/tasks.js";
import { TestHost } from "../host.js";

/** A task that is known to be tiny, so that it is sent ahead and travels with others. */
function defineTiny(name: string, concurrency = Number.POSITIVE_INFINITY): TaskDefinition {
  const definition = defineTask(name, { concurrency });
  definition.measured(0.001);
  return definition;
}

async function start() {
  const events = new Events((error) => {
    throw error;
  });
  const engine = new ThreadsEngine({
    name: "test",
    options: resolvePool("test", { maxThreads: 1 }),
    module: findTasksModule(new URL("../../fixtures/tasks.mjs", import.meta.url), undefined),
    idPrefix: "id-",
    events,
    logger: silentLogger,
  });
  const host = new TestHost(engine, { events, logger: silentLogger });
  host.start();
  onTestFinished(async () => {
    host.scheduler.abandonRunning();
    await engine.close(1_000);
  });
  await host.ready;
  const gate = new Gate();
  const add = (definition: TaskDefinition, payload?: unknown, dispatch: Partial<Dispatch> = {}): Task =>
    host.add(definition, dispatch, { payload: capture(payload) });
  const blocked = add(defineTiny("blocked"), { gate: gate.memory });
  await gate.arrival();
  return { engine, host, add, gate, blocked };
}

/** Lets the engine send what can be sent. */
async function sent(): Promise<void> {
  for (let i = 0; i < 5; i++) await turn();
}

describe("a task that was sent ahead and has not begun", () => {
  it("lets the next of its name start when it is cancelled", async () => {
    const { host, add, gate } = await start();
    const limited = defineTiny("nothing", 1);
    const [first, second] = [add(limited), add(limited)];
    await sent();
    expect([first.state, second.state]).toEqual(["running", "queued"]);
    host.scheduler.cancel(first, undefined);
    expect(first.state).toBe("cancelled");
    gate.open();
    await host.ledger.idle();
    expect(second.state).toBe("succeeded");
  });

  it("comes back when the engine is paused, and runs in its place afterwards", async () => {
    const { host, add, gate, blocked } = await start();
    const tiny = defineTiny("nothing");
    const tasks = [add(tiny), add(tiny), add(tiny)];
    await sent();
    expect(tasks.map(({ state }) => state)).toEqual(["running", "running", "running"]);
    host.scheduler.pauses.pause();
    expect(tasks.map(({ state, attempt }) => [state, attempt])).toEqual(new Array(3).fill(["queued", 0]));
    gate.open();
    await host.scheduler.result(blocked);
    await sent();
    expect(tasks.map(({ state }) => state)).toEqual(["queued", "queued", "queued"]);
    host.scheduler.pauses.resume();
    await host.ledger.idle();
    const ended = host.heard.filter(({ name }) => name === "succeeded").map(({ event }) => event.id);
    expect(ended).toEqual(ids([blocked, ...tasks]));
  });

  it("stays where it is when another name is paused", async () => {
    const { host, add, gate } = await start();
    const [paused, other] = [add(defineTiny("nothing")), add(defineTiny("echo"), "passes")];
    await sent();
    host.scheduler.pauses.pause("nothing");
    expect([paused.state, other.state]).toEqual(["queued", "running"]);
    gate.open();
    expect(await host.scheduler.result(other)).toBe("passes");
    expect(paused.state).toBe("queued");
    host.scheduler.pauses.resume("nothing");
    await host.ledger.idle();
    expect(paused.state).toBe("succeeded");
  });

  it("with a buffer that has moved stays in its thread when the engine is paused", async () => {
    const { host, add, gate } = await start();
    const buffer = new Uint8Array([1, 2, 3]).buffer;
    const task = host.add(defineTiny("sumOf"), {}, { payload: capture(buffer, "payload", { transfer: [buffer] }) });
    await sent();
    expect(task.state).toBe("running");
    host.scheduler.pauses.pause();
    gate.open();
    expect(await host.scheduler.result(task)).toBe(6);
    // The queue gives nothing, and takes what comes.
    const waiting = add(defineTiny("nothing"));
    await sent();
    expect(waiting.state).toBe("queued");
  });
});

describe("a payload that cannot be posted", () => {
  it("fails its task alone: those that were to travel with it succeed", async () => {
    const { engine, host, add, gate } = await start();
    gate.open();
    await host.ledger.idle();
    const tiny = defineTiny("echo");
    const tasks = [1, 2, 3, 4].map((value) => add(tiny, value));
    const [thread] = engine.pool.threads;
    if (thread === undefined) throw new Error("there is one");
    const post = thread.post.bind(thread);
    const batches: number[] = [];
    thread.post = (message, transfer) => {
      if (Array.isArray(message)) batches.push(message[2].length);
      if (Array.isArray(message) && message[2].includes(tasks[1]?.seq))
        throw new RangeError("Array buffer allocation failed");
      post(message, transfer);
    };
    await host.ledger.idle();
    expect(tasks.map(({ state }) => state)).toEqual(["succeeded", "failed", "succeeded", "succeeded"]);
    const error = await rejection(host.scheduler.result(tasks[1] as Task));
    expect(error).toMatchObject({ code: "AR_PAYLOAD_NOT_CLONEABLE" });
    expect(error.message).toContain("Array buffer allocation failed");
    // Each was started once, as far as attempts go.
    expect(tasks.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1]);
    expect(batches).toEqual([4, 1, 1, 1, 1]);
  });
});

// How many tasks travel together.
import { describe, expect, it } from "vitest";
import type { TaskDefinition } from "../../../src/core/definition.js";
import { capture } from "../../../src/core/payload/capture.js";
import type { Task } from "../../../src/core/task.js";
import type { TaskQueue } from "../../../src/engine/queue/task-queue.js";
import { batchMs, expectedMs, takeBatch } from "../../../src/engine/threads/batching.js";
import { slotSize } from "../../../src/engine/threads/slots/slot-memory.js";
import { defineTask, ids, makeTask } from "../../support/tasks.js";
import { TestHost } from "../host.js";
import { QueueEngine } from "../queue/queue-engine.js";

/** A task name whose runs take so long, in ms. */
function taking(ms: number | undefined): TaskDefinition {
  const definition = defineTask();
  if (ms !== undefined) definition.measured(ms);
  return definition;
}

/** A queue with tasks of these definitions. */
function queueOf(...definitions: readonly TaskDefinition[]): { queue: TaskQueue; tasks: Task[] } {
  const engine = new QueueEngine();
  const host = new TestHost(engine);
  host.start();
  return { queue: engine.queue, tasks: definitions.map((definition) => host.add(definition)) };
}

function many(count: number, definition: TaskDefinition): TaskDefinition[] {
  return new Array(count).fill(definition);
}

const all = Number.POSITIVE_INFINITY;

describe("a batch", () => {
  it("is one task of a name that has not been measured", () => {
    const { queue } = queueOf(...many(3, taking(undefined)));
    expect(takeBatch(queue, 1, true, all)).toHaveLength(1);
  });

  it("holds tiny tasks up to about its time", () => {
    const { queue } = queueOf(...many(100, taking(0.1)));
    const batch = takeBatch(queue, 1, true, all);
    expect(batch.length).toBeGreaterThan(15);
    expect(batch.length).toBeLessThanOrEqual(20);
    expect(expectedMs(batch)).toBeLessThanOrEqual(batchMs + 1e-9);
  });

  it("holds no more than a slot has cells for", () => {
    const { queue } = queueOf(...many(1_000, taking(0.0001)));
    expect(takeBatch(queue, 1, true, all)).toHaveLength(slotSize);
  });

  it("holds no more than the thread has room for", () => {
    const { queue } = queueOf(...many(100, taking(0.001)));
    expect(takeBatch(queue, 1, true, 3)).toHaveLength(3);
  });

  it("is one long task alone, and never a long one behind a tiny one", () => {
    const { queue, tasks } = queueOf(taking(50), taking(0.01), taking(50), taking(0.01));
    expect(ids(takeBatch(queue, 1, true, all))).toEqual(ids(tasks.slice(0, 1)));
    expect(ids(takeBatch(queue, 1, true, all))).toEqual(ids(tasks.slice(1, 2)));
    expect(ids(takeBatch(queue, 1, true, all))).toEqual(ids(tasks.slice(2, 3)));
  });

  it("is a fair share where several threads are idle", () => {
    const { queue } = queueOf(...many(100, taking(0.05)));
    expect(takeBatch(queue, 4, true, all)).toHaveLength(25);
  });

  it("is not shared where that is not worth a second thread", () => {
    const { queue } = queueOf(...many(10, taking(0.005)));
    expect(takeBatch(queue, 4, true, all)).toHaveLength(10);
  });

  it("keeps the order of the queue, over different names", () => {
    const { queue, tasks } = queueOf(taking(0.01), taking(0.02), taking(0.01));
    expect(ids(takeBatch(queue, 1, true, all))).toEqual(ids(tasks));
  });

  it("with a buffer to move, or a suspect, is that task alone, wherever it stands", () => {
    for (const mark of ["moves", "suspect"] as const) {
      const tiny = taking(0.001);
      const { queue, tasks } = queueOf(...many(4, tiny));
      const special = tasks[1];
      if (special === undefined) throw new Error("there are four");
      const buffer = new ArrayBuffer(1);
      if (mark === "suspect") special.runsAlone = true;
      else special.payload = capture(buffer, "payload", { transfer: [buffer] });
      const batches = [1, 2, 3].map(() => ids(takeBatch(queue, 1, true, all)));
      expect(batches).toEqual([ids(tasks.slice(0, 1)), ids(tasks.slice(1, 2)), ids(tasks.slice(2))]);
    }
  });

  it("is empty for a thread that is busy, when a suspect is next", () => {
    const { queue, tasks } = queueOf(...many(2, taking(0.001)));
    const [suspect] = tasks;
    if (suspect) suspect.runsAlone = true;
    expect(takeBatch(queue, 1, false, all)).toEqual([]);
    expect(queue.length).toBe(2);
    expect(suspect?.state).toBe("queued");
    expect(takeBatch(queue, 1, true, all)).toHaveLength(1);
  });

  it("is empty when nothing waits", () => {
    expect(takeBatch(queueOf().queue, 1, true, all)).toEqual([]);
  });

  it("is expected to take as long as its tasks, and for ever with one that has not been measured", () => {
    const tasks = [makeTask(taking(0.5)), makeTask(taking(0.25))];
    expect(expectedMs(tasks)).toBe(0.75);
    expect(expectedMs([])).toBe(0);
    expect(expectedMs([...tasks, makeTask(taking(undefined))])).toBe(Number.POSITIVE_INFINITY);
  });
});

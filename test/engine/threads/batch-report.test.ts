// The thread's bookkeeping of a batch and the main thread's reading of it, against each other: whatever tasks do, whenever
// the batch is looked at or its thread dies, each task ends as it did in the thread.
import { MessageChannel } from "node:worker_threads";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Attempts } from "../../../src/core/attempts.js";
import type { Task } from "../../../src/core/task.js";
import { Slot } from "../../../src/engine/threads/pool/thread.js";
import { type BatchReply, createControl, headerOf, slotSize } from "../../../src/engine/threads/protocol.js";
import { TaskQueue } from "../../../src/engine/threads/queue/task-queue.js";
import { packBatch } from "../../../src/engine/threads/slots/batch-message.js";
import { countEnded, takeBack } from "../../../src/engine/threads/slots/cells.js";
import { Settler } from "../../../src/engine/threads/slots/settle.js";
import { Batch } from "../../../workers/batch.js";
import { Outbox } from "../../../workers/outbox.js";
import { createLedger, defineTask, ids, makeTask, recordEvents } from "../../support/tasks.js";

/** What a task does in the thread. */
type Deed = "nothing" | "value" | "large" | "uncloneable" | "throws" | "later" | "rejects";
/** What becomes of a batch: it ends; its thread dies with or without last words. */
type Fate = "ends" | "dies" | "dies silently";

interface Course {
  readonly deeds: readonly Deed[];
  /** By index: the main thread takes it back before the batch begins. */
  readonly takenBack: readonly boolean[];
  /** By index: the main thread looks at the batch while the task runs. */
  readonly looked: readonly boolean[];
  readonly fate: Fate;
  /** The task that runs when the thread dies. */
  readonly diesAt: number;
}

const course: fc.Arbitrary<Course> = fc.integer({ min: 1, max: 12 }).chain((count) => {
  const each = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.array(arbitrary, { minLength: count, maxLength: count });
  return fc.record({
    deeds: each(fc.constantFrom<Deed>("nothing", "value", "large", "uncloneable", "throws", "later", "rejects")),
    takenBack: each(fc.boolean()).map((marks) => marks.map((mark, index) => mark && index > 0)),
    looked: each(fc.boolean()),
    fate: fc.constantFrom<Fate>("ends", "dies", "dies silently"),
    diesAt: fc.integer({ min: 0, max: count - 1 }),
  });
});

const { port1: nobodyHears } = new MessageChannel();

/** Runs a batch through both sides in this thread. */
async function live({ deeds, takenBack, looked, fate, diesAt }: Course) {
  const { ledger, events } = createLedger();
  const heard = recordEvents(events);
  const queue = new TaskQueue(ledger, () => {});
  const settler = new Settler(new Attempts(ledger, (...retry) => queue.retry(...retry)), queue);
  const control = createControl(1);
  const slot = new Slot(0, control);
  const definition = defineTask("deed");
  const tasks = deeds.map((_, index) => makeTask(definition, {}, { payload: index }));
  for (const task of tasks) {
    ledger.accept(task);
    queue.add(task);
  }
  while (queue.take(() => true) !== undefined);
  slot.tasks = tasks;
  const { message } = packBatch(slot, tasks);

  const cloned = (reply: BatchReply): BatchReply => structuredClone(reply);
  const look = (): void => {
    settler.soFar(slot, countEnded(slot), undefined);
    settler.soFar(slot, countEnded(slot), cloned(batch.reply()));
  };
  let died: () => void = () => {};
  const death = new Promise<void>((resolve) => {
    died = resolve;
  });
  const deed = (payload: unknown): unknown => {
    const index = Number(payload);
    if (looked[index]) look();
    if (fate !== "ends" && index === diesAt) {
      died();
      return new Promise(() => {});
    }
    return perform(deeds[index] ?? "nothing", index);
  };
  const outbox = new Outbox(headerOf(control), nobodyHears);
  const around = { tasks: new Map([["deed", deed]]), idPrefix: "", outbox };
  const batch = new Batch(message, slot.memory, around);
  for (const index of tasks.keys()) {
    if (takenBack[index] && takeBack({ slot, index })) settler.again(tasks[index] as Task, undefined);
  }
  const ended = Promise.resolve(batch.run());
  const reachedDeath = fate !== "ends" && !takenBack[diesAt];
  if (reachedDeath) {
    await death;
    if (fate === "dies") settler.soFar(slot, batch.ended, cloned(batch.reply()));
    settler.died(slot, tasks, { error: new Error("killed"), exitCode: 1, verdict: "guilty", unread: undefined });
  } else {
    settler.replied(slot, tasks, cloned(await ended));
  }
  return { tasks, queue, heard, reachedDeath };
}

function perform(deed: Deed, index: number): unknown {
  switch (deed) {
    case "nothing":
      return undefined;
    case "value":
      return { index };
    case "large":
      return new Uint8Array(10_000);
    case "uncloneable":
      return { fn() {} };
    case "throws":
      throw new Error(`thrown by ${index}`);
    case "later":
      return Promise.resolve({ index });
    case "rejects":
      return Promise.reject(new Error(`thrown by ${index}`));
  }
}

/** How a task that ran to its end must have ended. */
function expectedEnd(deed: Deed, index: number): object {
  const lost = (code: string) => ({ state: "succeeded", outcome: expect.objectContaining({ code }) });
  if (deed === "nothing") return { state: "succeeded", outcome: undefined };
  if (deed === "value" || deed === "later") return { state: "succeeded", outcome: { index } };
  if (deed === "large") return lost("AR_RESULT_NOT_KEPT");
  if (deed === "uncloneable") return lost("AR_RESULT_NOT_CLONEABLE");
  return { state: "failed", outcome: expect.objectContaining({ message: `thrown by ${index}` }) };
}

describe("a batch", () => {
  it("ends for each of its tasks as it did in the thread, whenever it is looked at and however it ends", async () => {
    await fc.assert(
      fc.asyncProperty(course, async (chosen) => {
        const { deeds, takenBack, fate, diesAt } = chosen;
        const { tasks, queue, heard, reachedDeath } = await live(chosen);
        const told = tasks.map((task) => heard.filter(({ event }) => event.id === task.id).map(({ name }) => name));
        for (const [index, task] of tasks.entries()) {
          const end = { state: task.state, outcome: task.outcome };
          const deed = deeds[index] ?? "nothing";
          const finals = told[index]?.filter((name) => name === "succeeded" || name === "failed") ?? [];
          expect(finals.length).toBeLessThanOrEqual(1);
          if (takenBack[index] || (reachedDeath && index > diesAt)) {
            expect(end).toEqual({ state: "queued", outcome: undefined });
          } else if (reachedDeath && index === diesAt) {
            expect(end).toMatchObject({ state: "failed", outcome: { code: "AR_THREAD_EXITED" } });
          } else if (fate === "dies silently" && reachedDeath && mayBeLost(end)) {
            // What the thread had not said by then is lost with it; that it ended, and how, is not.
            expect(end.state).toBe(deed === "throws" || deed === "rejects" ? "failed" : "succeeded");
          } else {
            expect(end).toEqual(expectedEnd(deed, index));
          }
        }
        // Those that are to run again are in their order.
        const waiting: Task[] = [];
        for (let task = queue.take(() => true); task !== undefined; task = queue.take(() => true)) waiting.push(task);
        const wanted = tasks.filter((_, index) => !takenBack[index] && reachedDeath && index > diesAt);
        expect(ids(waiting.filter((task) => wanted.includes(task)))).toEqual(ids(wanted));
        expect(waiting).toHaveLength(wanted.length + takenBack.filter(Boolean).length);
      }),
      { numRuns: 500 },
    );
  });

  it("fills a slot to the last cell", async () => {
    const count = slotSize;
    const { tasks } = await live({
      deeds: new Array(count).fill("value"),
      takenBack: new Array(count).fill(false),
      looked: new Array(count).fill(false),
      fate: "ends",
      diesAt: 0,
    });
    expect(tasks.map(({ outcome }) => outcome)).toEqual(tasks.map((_, index) => ({ index })));
  });
});

function mayBeLost({ outcome }: { outcome: unknown }): boolean {
  const code: unknown = Reflect.get(Object(outcome), "code");
  const message: unknown = Reflect.get(Object(outcome), "message");
  return code === "AR_RESULT_NOT_KEPT" || String(message).endsWith("its error was lost with its thread");
}

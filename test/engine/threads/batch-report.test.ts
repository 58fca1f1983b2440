// The thread's bookkeeping of a batch and the main thread's reading of it, against each other: whatever tasks do, whenever
// the batch is looked at or its thread dies, each task ends as it did in the thread.
import { MessageChannel } from "node:worker_threads";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deferred } from "../../../src/base/deferred.js";
import { cancelledError } from "../../../src/core/early-end.js";
import { errorOf } from "../../../src/core/lazy-error.js";
import { restore } from "../../../src/core/payload/restore.js";
import { LostResult } from "../../../src/core/result.js";
import type { Task } from "../../../src/core/task.js";
import type { BatchReply } from "../../../src/engine/threads/protocol.js";
import { packBatch } from "../../../src/engine/threads/slots/batch-message.js";
import { BatchReport } from "../../../src/engine/threads/slots/batch-report.js";
import { Slot } from "../../../src/engine/threads/slots/slot.js";
import { begin, createControl, headerOf, slotSize } from "../../../src/engine/threads/slots/slot-memory.js";
import { Batch } from "../../../workers/batch.js";
import { FollowUps } from "../../../workers/follow-ups.js";
import { RemarkSender } from "../../../workers/remark-sender.js";
import { defineTask, ids } from "../../support/tasks.js";
import { TestHost } from "../host.js";
import { QueueEngine } from "../queue/queue-engine.js";

/** What a task does in the thread. */
type Deed = "nothing" | "value" | "large" | "uncloneable" | "throws" | "later" | "rejects";
/** What becomes of a batch: it ends; its thread dies, and sends what it has before that or not. */
type Fate = "ends" | "dies" | "dies silently";

interface Course {
  readonly deeds: readonly Deed[];
  /** By index: the main thread takes it back before the batch begins. */
  readonly takenBack: readonly boolean[];
  /** By index: the main thread looks at the batch while the task runs. */
  readonly looked: readonly boolean[];
  /** By index: the main thread has the task stop while it runs. */
  readonly stopped: readonly boolean[];
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
    stopped: each(fc.integer({ min: 0, max: 5 })).map((draws) => draws.map((draw) => draw === 0)),
    fate: fc.constantFrom<Fate>("ends", "dies", "dies silently"),
    diesAt: fc.integer({ min: 0, max: count - 1 }),
  });
});

const { port1: nobodyReads } = new MessageChannel();

/** Runs a batch through both sides in this thread. */
async function live({ deeds, takenBack, looked, stopped, fate, diesAt }: Course) {
  const engine = new QueueEngine();
  const host = new TestHost(engine);
  host.start();
  const { queue } = engine;
  const report = new BatchReport(host.reports, queue);
  const control = createControl(1);
  const slot = new Slot(0, control);
  const definition = defineTask("deed");
  const tasks = deeds.map((_, payload) => host.add(definition, {}, { payload }));
  engine.takeAll();
  const { message } = packBatch(slot, tasks);
  slot.hold(tasks);

  const cloned = (reply: BatchReply): BatchReply => structuredClone(reply);
  const together = (make: () => void): void => host.reports.together(make);
  const look = (): void =>
    together(() => {
      report.partly(slot, slot.done, undefined);
      report.partly(slot, batch.ended, cloned(batch.reply()));
    });
  const stop = (index: number): void => {
    const task = tasks[index] as Task;
    expect(slot.requestStop(index)).toBe(true);
    task.abortedBy = cancelledError(task, undefined);
  };
  let died: () => void = () => {};
  const death = new Promise<void>((resolve) => {
    died = resolve;
  });
  const deed = (payload: unknown): unknown => {
    const index = Number(payload);
    if (looked[index]) look();
    if (stopped[index]) stop(index);
    if (fate !== "ends" && index === diesAt) {
      died();
      return new Promise(() => {});
    }
    return perform(deeds[index] ?? "nothing", index);
  };
  const remarks = new RemarkSender(headerOf(control), nobodyReads);
  const followUps = new FollowUps(nobodyReads, "test");
  const around = { tasks: { deed }, idPrefix: "", offloader: "test", remarks, followUps, around: [] };
  const end = deferred<BatchReply>();
  const batch = new Batch(message, slot.memory, around, {
    over: (whole) => end.resolve(whole.reply()),
    broken: (error) => end.reject(error),
  });
  for (const [index, task] of tasks.entries()) {
    if (takenBack[index] && slot.withdraw(index)) together(() => report.again(task, undefined));
  }
  batch.run();
  const reachedDeath = fate !== "ends" && !takenBack[diesAt];
  if (reachedDeath) {
    await death;
    if (fate === "dies") together(() => report.partly(slot, batch.ended, cloned(batch.reply())));
    together(() =>
      report.died(slot, { error: new Error("killed"), exitCode: 1, blame: "guilty", unreadSlot: undefined }),
    );
  } else {
    const reply = cloned(await end.promise);
    together(() => report.replied(slot, reply));
  }
  return { tasks, engine, host, reachedDeath };
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

/** How a task ended: its result as a caller would get it. */
function endOf(task: Task): { state: string; outcome: unknown } {
  const { state, outcome } = task;
  const failed = state === "failed" || state === "cancelled" || outcome instanceof LostResult;
  return { state, outcome: failed ? errorOf(outcome) : restore(outcome) };
}

describe("a batch", () => {
  it("ends for each of its tasks as it did in the thread, whenever it is looked at and however it ends", async () => {
    await fc.assert(
      fc.asyncProperty(course, async (chosen) => {
        const { deeds, takenBack, stopped, fate, diesAt } = chosen;
        const { tasks, engine, host, reachedDeath } = await live(chosen);
        for (const [index, task] of tasks.entries()) {
          const end = endOf(task);
          const deed = deeds[index] ?? "nothing";
          const finals = host.story(task).filter((name) => ["succeeded", "failed", "cancelled"].includes(name));
          expect(finals.length).toBeLessThanOrEqual(1);
          if (takenBack[index] || (reachedDeath && index > diesAt)) {
            expect(end).toEqual({ state: "queued", outcome: undefined });
          } else if (stopped[index]) {
            // Whatever its code still did.
            expect(end).toMatchObject({ state: "cancelled", outcome: { code: "AR_CANCELLED" } });
          } else if (reachedDeath && index === diesAt) {
            expect(end).toMatchObject({ state: "failed", outcome: { code: "AR_THREAD_EXITED" } });
          } else if (fate === "dies silently" && reachedDeath && mayBeLost(end)) {
            // What the thread had not sent by then is lost with it; that it ended, and how, is not.
            expect(end.state).toBe(deed === "throws" || deed === "rejects" ? "failed" : "succeeded");
          } else {
            expect(end).toEqual(expectedEnd(deed, index));
          }
        }
        // Those that are to run again are in their order.
        const waiting = engine.takeAll();
        const wanted = tasks.filter((_, index) => !takenBack[index] && reachedDeath && index > diesAt);
        expect(ids(waiting.filter((task) => wanted.includes(task)))).toEqual(ids(wanted));
        expect(waiting).toHaveLength(wanted.length + takenBack.filter(Boolean).length);
      }),
      { numRuns: 500 },
    );
  });

  it("fills a slot to its last place", async () => {
    const count = slotSize;
    const { tasks } = await live({
      deeds: new Array(count).fill("value"),
      takenBack: new Array(count).fill(false),
      looked: new Array(count).fill(false),
      stopped: new Array(count).fill(false),
      fate: "ends",
      diesAt: 0,
    });
    expect(tasks.map((task) => endOf(task).outcome)).toEqual(tasks.map((_, index) => ({ index })));
  });
});

/** A slot whose tasks begin in the thread the moment before the main thread takes them back. */
class RacedSlot extends Slot {
  override withdraw(index: number): boolean {
    begin(this.memory, index, 0);
    return super.withdraw(index);
  }
}

it("a task that begins while a forged reply is read is left to the death of its thread, and runs again", () => {
  const engine = new QueueEngine();
  const host = new TestHost(engine);
  host.start();
  const report = new BatchReport(host.reports, engine.queue);
  const slot = new RacedSlot(0, createControl(1));
  const task = host.add(defineTask("raced"));
  engine.takeAll();
  packBatch(slot, [task]);
  slot.hold([task]);
  const forged = structuredClone<BatchReply>(0);
  expect(report.replied(slot, forged)).toBe(false);
  expect(task.state).toBe("running");
  report.died(slot, { error: undefined, exitCode: 1, blame: "suspect", unreadSlot: undefined });
  expect(task.state).toBe("queued");
});

function mayBeLost({ outcome }: { outcome: unknown }): boolean {
  const code: unknown = Reflect.get(Object(outcome), "code");
  const message: unknown = Reflect.get(Object(outcome), "message");
  return code === "AR_RESULT_NOT_KEPT" || String(message).endsWith("its error was lost with its thread");
}

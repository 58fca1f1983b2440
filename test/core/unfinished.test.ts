// The list of unfinished tasks against a plain array: the order, and how a task is found in it.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ticksAgo } from "../../src/base/ticks.js";
import type { Task } from "../../src/core/task.js";
import { UnfinishedTasks } from "../../src/core/unfinished.js";
import { defineTask, ids, makeTask } from "../support/tasks.js";

const definition = defineTask();

describe("the unfinished tasks", () => {
  it("are in the order of their acceptance, those of earlier processes first, and each is found", () => {
    const steps = fc.array(fc.record({ kind: fc.constantFrom("own", "replayed", "end"), which: fc.nat(50) }), {
      maxLength: 100,
      size: "max",
    });
    fc.assert(
      fc.property(steps, (moves) => {
        const list = new UnfinishedTasks();
        const own: Task[] = [];
        const replayed: Task[] = [];
        for (const { kind, which } of moves) {
          if (kind === "end") {
            const all = [...replayed, ...own];
            const task = all[which % Math.max(1, all.length)];
            if (task === undefined) continue;
            list.unlink(task);
            const from = own.includes(task) ? own : replayed;
            from.splice(from.indexOf(task), 1);
            expect(list.bySeq(task.seq)).toBeUndefined();
            expect(list.byReplayedId(task.id)).toBeUndefined();
          } else {
            const task = makeTask(definition);
            if (kind === "replayed") task.replayedId = `other-${task.seq}`;
            (kind === "own" ? own : replayed).push(task);
            list.link(task);
          }
        }
        expect(ids([...list.all()])).toEqual(ids([...replayed, ...own]));
        for (const task of own) expect(list.bySeq(task.seq)?.id).toBe(task.id);
        for (const task of replayed) {
          expect(list.bySeq(task.seq)).toBeUndefined();
          expect(list.byReplayedId(task.id)?.id).toBe(task.id);
        }
      }),
    );
  });

  it("are found by number without a walk over those before", () => {
    const list = new UnfinishedTasks();
    const tasks = Array.from({ length: 10_000 }, () => makeTask(definition));
    for (const task of tasks) list.link(task);
    let read = 0;
    for (const task of tasks) {
      const { after } = task;
      Object.defineProperty(task, "after", {
        get() {
          read++;
          return after;
        },
      });
    }
    const wanted = tasks[9_000];
    expect(list.bySeq(wanted?.seq ?? -1)?.id).toBe(wanted?.id);
    expect(read).toBeLessThan(2 * 1_024);
  });

  it("tell how long the one has been queued that has been for longest, whoever was accepted first", () => {
    const list = new UnfinishedTasks();
    expect(list.oldestQueuedMs()).toBe(0);
    const add = (state: Task["state"], acceptedMs: number, queuedMs: number): void => {
      const task = makeTask(definition);
      Object.assign(task, { state, acceptedAt: ticksAgo(acceptedMs), queuedAt: ticksAgo(queuedMs) });
      list.link(task);
    };
    add("delayed", 60_000, 60_000);
    add("queued", 50_000, 1_000);
    add("queued", 40_000, 30_000);
    add("queued", 20_000, 20_000);
    expect(list.oldestQueuedMs()).toBeGreaterThanOrEqual(30_000);
    expect(list.oldestQueuedMs()).toBeLessThan(31_000);
  });
});

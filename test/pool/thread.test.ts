// A thread as the main thread sees it: what it has said and what has been heard of it; where a task is.
import { EventEmitter } from "node:events";
import type { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { findPlace, markAborted, runningOn, takeBack } from "../../src/pool/cells.js";
import { aborted, begun, createControl, failed, postedField, succeeded, untouched } from "../../src/pool/protocol.js";
import { Thread } from "../../src/pool/thread.js";
import type { Task } from "../../src/task/task.js";
import { makeTask } from "../support/tasks.js";

function makeThread(slots = 2): Thread {
  return new Thread(1, new EventEmitter() as unknown as Worker, createControl(slots), slots);
}

/** Puts tasks into a slot, each with its cell. */
function fill(thread: Thread, slotIndex: number, cells: readonly (readonly [Task, number])[]): void {
  const slot = thread.slots[slotIndex];
  if (slot === undefined) throw new Error(`there is no slot ${slotIndex}`);
  slot.tasks = cells.map(([task]) => task);
  for (const [index, [, cell]] of cells.entries()) slot.memory.cells[index] = cell;
}

describe("what a thread has said", () => {
  it("is heard at once where it has said nothing", () => {
    const calls: number[] = [];
    makeThread().whenHeard(() => calls.push(1));
    expect(calls).toEqual([1]);
  });

  it("is waited for up to what had been said at the time, and no further", () => {
    const thread = makeThread();
    const calls: string[] = [];
    Atomics.add(thread.header, postedField, 2);
    thread.whenHeard(() => calls.push("two"));
    Atomics.add(thread.header, postedField, 5);
    thread.whenHeard(() => calls.push("seven"));
    thread.heard();
    expect(calls).toEqual([]);
    thread.heard();
    expect(calls).toEqual(["two"]);
    for (let i = 0; i < 5; i++) thread.heard();
    expect(calls).toEqual(["two", "seven"]);
  });

  it("lets nobody overtake who waits already", () => {
    const thread = makeThread();
    const calls: string[] = [];
    Atomics.add(thread.header, postedField, 1);
    thread.whenHeard(() => calls.push("first"));
    thread.whenHeard(() => calls.push("second"));
    thread.heard();
    expect(calls).toEqual(["first", "second"]);
  });

  it("is waited for no longer when the thread is dead", () => {
    const thread = makeThread();
    const calls: number[] = [];
    Atomics.add(thread.header, postedField, 10);
    thread.whenHeard(() => calls.push(1));
    thread.silenced();
    thread.silenced();
    expect(calls).toEqual([1]);
    thread.whenHeard(() => calls.push(2));
    expect(calls).toEqual([1, 2]);
  });

  it("may be counted past the end of an integer", () => {
    const thread = makeThread();
    const calls: number[] = [];
    // 2^31 - 1, for both; one more of each is negative.
    thread.header[0] = 2 ** 31 - 1;
    thread.header[1] = 2 ** 31 - 1;
    Atomics.add(thread.header, postedField, 1);
    thread.whenHeard(() => calls.push(1));
    expect(calls).toEqual([]);
    thread.heard();
    expect(calls).toEqual([1]);
  });
});

describe("the place of a task", () => {
  it("is where a thread has it, until we have heard of its end; not where it was taken back", () => {
    const [one, other] = [makeThread(), makeThread()];
    const task = makeTask();
    for (const cell of [untouched, begun, aborted, succeeded, failed]) {
      fill(one, 0, [
        [makeTask(), succeeded],
        [task, cell],
      ]);
      const slot = one.slots[0] ?? fail();
      expect(findPlace([one], task)).toMatchObject({ slot, index: 1 });
      slot.told = 2;
      expect(findPlace([one], task)).toBeUndefined();
      slot.told = 0;
    }
    fill(one, 0, [[task, untouched]]);
    const place = findPlace([one], task);
    expect(place && takeBack(place)).toBe(true);
    fill(other, 1, [[task, begun]]);
    expect(findPlace([one, other], task)).toMatchObject({ index: 0, slot: other.slots[1] });
  });

  it("is given up once: a task that has begun is not taken back, one that has ended is not aborted", () => {
    const thread = makeThread();
    const [waiting, running, ended] = [makeTask(), makeTask(), makeTask()];
    fill(thread, 0, [
      [ended, succeeded],
      [running, begun],
      [waiting, untouched],
    ]);
    const at = (index: number) => ({ slot: thread.slots[0] ?? fail(), index });
    expect([takeBack(at(0)), takeBack(at(1)), takeBack(at(2)), takeBack(at(2))]).toEqual([false, false, true, false]);
    expect([markAborted(at(0)), markAborted(at(1)), markAborted(at(1)), markAborted(at(2))]).toEqual([
      false,
      true,
      false,
      false,
    ]);
    expect([...runningOn(thread)].map(({ task }) => task.id)).toEqual([running.id]);
  });
});

function fail(): never {
  throw new Error("there is no such slot");
}

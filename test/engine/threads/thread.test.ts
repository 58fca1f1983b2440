// A thread as the main thread sees it: what it has said and what has been heard of it; where a task is.

import { createSecretKey } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { createContext } from "node:vm";
import { MessageChannel, type MessagePort, moveMessagePortToContext, type Worker } from "node:worker_threads";
import { afterEach, describe, expect, it } from "vitest";
import type { Task } from "../../../src/core/task.js";
import { Thread } from "../../../src/engine/threads/pool/thread.js";
import {
  aborted,
  begun,
  createControl,
  type FromThread,
  failed,
  remarkCredit,
  succeeded,
  untouched,
} from "../../../src/engine/threads/protocol.js";
import { findPlace, markAborted, runningOn, takeBack } from "../../../src/engine/threads/slots/cells.js";
import { makeTask } from "../../support/tasks.js";

const ports: MessagePort[] = [];
afterEach(() => ports.splice(0).forEach((port) => void port.close()));

/** A thread without one: what it says is said by `theirs`, and what keeps the process alive is counted. */
class FakeWorker extends EventEmitter {
  refs: string[] = [];
  ref = () => this.refs.push("ref");
  unref = () => this.refs.push("unref");
}

function makeThread(slots = 2): Thread {
  return makePair(slots).thread;
}

function makePair(slots = 2): { thread: Thread; theirs: MessagePort; worker: FakeWorker } {
  const { port1, port2: theirs } = new MessageChannel();
  ports.push(port1);
  const worker = new FakeWorker();
  return { thread: new Thread(1, worker as unknown as Worker, port1, createControl(slots), slots), theirs, worker };
}

/** Has a thread heard by a list. */
function listenTo(thread: Thread): FromThread[] {
  const heard: FromThread[] = [];
  thread.listen(
    (message) => heard.push(message),
    (error) => {
      throw error;
    },
  );
  return heard;
}

/** Puts tasks into a slot, each with its cell. */
function fill(thread: Thread, slotIndex: number, cells: readonly (readonly [Task, number])[]): void {
  const slot = thread.slots[slotIndex];
  if (slot === undefined) throw new Error(`there is no slot ${slotIndex}`);
  slot.tasks = cells.map(([task]) => task);
  for (const [index, [, cell]] of cells.entries()) slot.memory.cells[index] = cell;
}

describe("what a thread has said", () => {
  it("before anybody listened is heard by who listens", async () => {
    const { thread, theirs } = makePair();
    theirs.postMessage(1);
    theirs.postMessage([2, undefined]);
    const heard = await new Promise<FromThread[]>((resolve) => {
      const all: FromThread[] = [];
      thread.listen((message) => all.push(message) === 2 && resolve(all), resolve as never);
    });
    expect(heard).toEqual([1, [2, undefined]]);
  });

  it("is heard at once and in its order where that is asked for, and only once", async () => {
    const { thread, theirs } = makePair();
    const heard = listenTo(thread);
    for (const slot of [1, 2, 3]) theirs.postMessage(slot);
    thread.hearOut();
    expect(heard).toEqual([1, 2, 3]);
    theirs.postMessage(4);
    theirs.close();
    await once(theirs, "close");
    thread.hearOut();
    expect(heard).toEqual([1, 2, 3, 4]);
  });

  it("is still to be had when its port has closed with it", () => {
    const { thread, theirs } = makePair();
    const heard = listenTo(thread);
    theirs.postMessage(1);
    theirs.close();
    thread.hearOut();
    thread.hearOut();
    expect(heard).toEqual([1]);
  });

  it("is not heard without end when it says more as fast as it is heard; once it is dead, all of it is", () => {
    const { thread, theirs } = makePair();
    let heard = 0;
    const speak = () => theirs.postMessage(0);
    thread.listen(() => {
      if (++heard < 10_000) speak();
    }, speak);
    speak();
    thread.hearOut();
    expect(heard).toBeGreaterThan(2 * remarkCredit);
    expect(heard).toBeLessThan(1_000);
    thread.exitCode = 1;
    thread.hearOut();
    expect(heard).toBe(10_000);
  });
});

describe("what a thread has said that cannot be read", () => {
  /** A port that has moved to another context can read no key. */
  function makeUnreadable(): { thread: Thread; errors: unknown[]; heard: FromThread[] } {
    const { port1, port2: theirs } = new MessageChannel();
    ports.push(theirs);
    const port = moveMessagePortToContext(port1, createContext());
    // What such a port lacks, and what is not of this test.
    Object.assign(port, { on() {}, unref() {} });
    const thread = new Thread(1, new FakeWorker() as unknown as Worker, port, createControl(2), 2);
    const [errors, heard]: [unknown[], FromThread[]] = [[], []];
    thread.listen(
      (message) => heard.push(message),
      (error) => errors.push(error),
    );
    theirs.postMessage(createSecretKey(Buffer.from("secret")));
    theirs.postMessage(1);
    return { thread, errors, heard };
  }

  it("is told of, and what it said next is heard", () => {
    const { thread, errors, heard } = makeUnreadable();
    thread.hearOut();
    expect(errors).toHaveLength(1);
    expect(heard).toEqual([1]);
  });

  it("is passed over once the thread is dead, for its tasks are settled then", () => {
    const { thread, errors, heard } = makeUnreadable();
    thread.exitCode = 1;
    thread.hearOut();
    expect(errors).toEqual([]);
    expect(heard).toEqual([1]);
  });
});

describe("a thread that works", () => {
  it("keeps the process alive from its first batch in flight to its last", () => {
    const { thread, worker } = makePair();
    thread.occupy(1);
    thread.occupy(Number.POSITIVE_INFINITY);
    expect([thread.busy, thread.expectedMs]).toEqual([2, Number.POSITIVE_INFINITY]);
    thread.vacate(1);
    expect(worker.refs).toEqual(["ref"]);
    thread.vacate(0);
    expect([thread.busy, thread.expectedMs]).toEqual([0, 0]);
    expect(worker.refs).toEqual(["ref", "unref"]);
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

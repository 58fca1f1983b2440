// A thread as the main thread sees it: its messages, read in their order and in time; where a task is.
import { createSecretKey } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { createContext } from "node:vm";
import { MessageChannel, type MessagePort, moveMessagePortToContext, type Worker } from "node:worker_threads";
import { afterEach, describe, expect, it } from "vitest";
import type { Task } from "../../../src/core/task.js";
import { Thread } from "../../../src/engine/threads/pool/thread.js";
import { type FromThread, remarkCredit } from "../../../src/engine/threads/protocol.js";
import { createControl, slotState } from "../../../src/engine/threads/slots/slot-memory.js";
import { makeTask } from "../../support/tasks.js";

const ports: MessagePort[] = [];
afterEach(() => ports.splice(0).forEach((port) => void port.close()));

/** Stands for the worker: its messages come by `theirs`, and what keeps the process alive is counted. */
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

/** Reads the messages of a thread into a list. */
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

/** Puts tasks into a slot, each with its slot state. */
function fill(thread: Thread, slotIndex: number, states: readonly (readonly [Task, number])[]): void {
  const slot = thread.slots[slotIndex];
  if (slot === undefined) throw new Error(`there is no slot ${slotIndex}`);
  slot.hold(states.map(([task]) => task));
  for (const [index, [, value]] of states.entries()) slot.memory.states[index] = value;
}

describe("the messages of a thread", () => {
  it("that came before anybody listened are read by who listens", async () => {
    const { thread, theirs } = makePair();
    theirs.postMessage(1);
    theirs.postMessage([2, undefined]);
    const heard = await new Promise<FromThread[]>((resolve) => {
      const all: FromThread[] = [];
      thread.listen((message) => all.push(message) === 2 && resolve(all), resolve as never);
    });
    expect(heard).toEqual([1, [2, undefined]]);
  });

  it("are read at once and in their order where that is asked for, and only once", async () => {
    const { thread, theirs } = makePair();
    const heard = listenTo(thread);
    for (const slot of [1, 2, 3]) theirs.postMessage(slot);
    thread.readQueued();
    expect(heard).toEqual([1, 2, 3]);
    theirs.postMessage(4);
    theirs.close();
    await once(theirs, "close");
    thread.readQueued();
    expect(heard).toEqual([1, 2, 3, 4]);
  });

  it("are still to be had when its port has closed with it", () => {
    const { thread, theirs } = makePair();
    const heard = listenTo(thread);
    theirs.postMessage(1);
    theirs.close();
    thread.readQueued();
    thread.readQueued();
    expect(heard).toEqual([1]);
  });

  it("are not read without end when it sends more as fast as they are read; once it is dead, all of them are", () => {
    const { thread, theirs } = makePair();
    let heard = 0;
    const send = () => theirs.postMessage(0);
    thread.listen(() => {
      if (++heard < 10_000) send();
    }, send);
    send();
    thread.readQueued();
    expect(heard).toBeGreaterThan(2 * remarkCredit);
    expect(heard).toBeLessThan(1_000);
    thread.exitCode = 1;
    thread.readQueued();
    expect(heard).toBe(10_000);
  });
});

describe("a message that cannot be read", () => {
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

  it("is reported, and the next one is read", () => {
    const { thread, errors, heard } = makeUnreadable();
    thread.readQueued();
    expect(errors).toHaveLength(1);
    expect(heard).toEqual([1]);
  });

  it("is passed over once the thread is dead, because its tasks are reported then", () => {
    const { thread, errors, heard } = makeUnreadable();
    thread.exitCode = 1;
    thread.readQueued();
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
  it("is where a thread has it, until its end has been reported; not where it was taken back", () => {
    const [one, other] = [makeThread(), makeThread()];
    const task = makeTask();
    const slot = one.slots[0] ?? fail();
    for (const value of [
      slotState.waiting,
      slotState.begun,
      slotState.stopping,
      slotState.succeeded,
      slotState.returned,
      slotState.failed,
    ]) {
      fill(one, 0, [
        [makeTask(), slotState.succeeded],
        [task, value],
      ]);
      expect(one.find(task)).toMatchObject({ slot, index: 1 });
      slot.reported = 2;
      expect(one.find(task)).toBeUndefined();
    }
    fill(one, 0, [[task, slotState.waiting]]);
    expect(slot.withdraw(0)).toBe(true);
    expect(one.find(task)).toBeUndefined();
    // It runs elsewhere by now, perhaps in another slot of the same thread.
    fill(other, 1, [[task, slotState.begun]]);
    expect(other.find(task)).toMatchObject({ index: 0, slot: other.slots[1] });
    fill(one, 1, [[task, slotState.begun]]);
    expect(one.find(task)).toMatchObject({ index: 0, slot: one.slots[1] });
  });

  it("is in the list of what runs while its code runs", () => {
    const thread = makeThread();
    const [running, stopping] = [makeTask(), makeTask()];
    fill(thread, 0, [
      [makeTask(), slotState.succeeded],
      [running, slotState.begun],
      [makeTask(), slotState.waiting],
    ]);
    fill(thread, 1, [[stopping, slotState.stopping]]);
    expect([...thread.running()].map(({ task, index }) => [task.id, index])).toEqual([
      [running.id, 1],
      [stopping.id, 0],
    ]);
  });
});

describe("the slots of a thread", () => {
  it("that hold a batch are listed from the last one sent to the first", () => {
    const thread = makeThread(3);
    for (const index of [2, 0]) {
      fill(thread, index, [[makeTask(), slotState.waiting]]);
      const slot = thread.slots[index] ?? fail();
      slot.sentAt = index === 0 ? 20 : 10;
    }
    expect(thread.busySlots.map(({ index }) => index)).toEqual([0, 2]);
    expect(thread.freeSlot()?.index).toBe(1);
    fill(thread, 1, [[makeTask(), slotState.waiting]]);
    expect(thread.freeSlot()).toBeUndefined();
  });
});

function fail(): never {
  throw new Error("there is no such slot");
}

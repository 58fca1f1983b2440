// The memory that the main thread and a thread share: its layout, and who may do what to a task when.
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { sharedNow } from "../../../src/base/time.js";
import {
  acknowledgeRemark,
  begin,
  createControl,
  type EndState,
  end,
  headerOf,
  isDone,
  isRunning,
  place,
  remarksUnderWay,
  reportedMemory,
  reportMemory,
  requestStop,
  type SlotMemory,
  slotMemory,
  slotSize,
  slotState,
  stateAt,
  want,
  withdraw,
} from "../../../src/engine/threads/slots/slot-memory.js";

function oneSlot(): SlotMemory {
  return slotMemory(createControl(1), 0);
}

describe("the shared memory of a thread", () => {
  it("has a place of its own for everything, in every slot", () => {
    const slots = 3;
    const control = createControl(slots);
    const memories = Array.from({ length: slots }, (_, index) => slotMemory(control, index));
    const views = [headerOf(control), ...memories.flatMap((memory) => Object.values(memory) as ArrayBufferView[])];
    // Every byte belongs to exactly one view.
    const owners = new Array<number>(control.byteLength).fill(0);
    for (const { byteOffset, byteLength } of views) {
      for (let byte = byteOffset; byte < byteOffset + byteLength; byte++) owners[byte] = (owners[byte] ?? 0) + 1;
    }
    expect(new Set(owners)).toEqual(new Set([1]));
    for (const { states, runMs, wanted, beganAt } of memories) {
      expect([states.length, runMs.length, wanted.length, beganAt.length]).toEqual([slotSize, slotSize, slotSize, 1]);
    }
  });
});

describe("the slot state of a task", () => {
  const moves = {
    begin: (memory: SlotMemory) => begin(memory, 0, 1),
    withdraw: (memory: SlotMemory) => withdraw(memory, 0),
    requestStop: (memory: SlotMemory) => requestStop(memory, 0),
  };
  const rows: [from: keyof typeof slotState, move: keyof typeof moves, to: keyof typeof slotState | undefined][] = [
    ["waiting", "begin", "begun"],
    ["waiting", "withdraw", "withdrawn"],
    ["waiting", "requestStop", undefined],
    ["begun", "begin", undefined],
    ["begun", "withdraw", undefined],
    ["begun", "requestStop", "stopping"],
    ...(["stopping", "succeeded", "failed", "withdrawn", "returned"] as const).flatMap((from) =>
      (["begin", "withdraw", "requestStop"] as const).map((move): [typeof from, typeof move, undefined] => [
        from,
        move,
        undefined,
      ]),
    ),
  ];

  it.each(rows)("that is %s: %s leads to %s", (from, move, to) => {
    const memory = oneSlot();
    memory.states[0] = slotState[from];
    expect(moves[move](memory)).toBe(to !== undefined);
    expect(stateAt(memory, 0)).toBe(slotState[to ?? from]);
  });

  it("is waiting once the task is placed, and tells nothing of the one before it", () => {
    const memory = oneSlot();
    end(memory, 0, slotState.failed, 3);
    want(memory, 0);
    place(memory, 0, false);
    expect([stateAt(memory, 0), memory.wanted[0]]).toEqual([slotState.waiting, 0]);
    place(memory, 0, true);
    expect(memory.wanted[0]).toBe(1);
  });

  it("ends with its run time, also when it was to stop", () => {
    for (const how of [slotState.succeeded, slotState.returned, slotState.failed] satisfies EndState[]) {
      const memory = oneSlot();
      begin(memory, 0, 10);
      requestStop(memory, 0);
      end(memory, 0, how, 2.5);
      expect([stateAt(memory, 0), memory.runMs[0]]).toEqual([how, 2.5]);
    }
  });

  it("is running while its code runs, and done once that has ended or will never begin", () => {
    const of = (is: (value: number) => boolean) =>
      Object.entries(slotState).flatMap(([state, value]) => (is(value) ? [state] : []));
    expect(of(isRunning)).toEqual(["begun", "stopping"]);
    expect(of(isDone)).toEqual(["succeeded", "failed", "withdrawn", "returned"]);
  });
});

describe("the header", () => {
  it("counts the remarks that have not been read, also when the counters wrap", () => {
    const header = headerOf(createControl(1));
    expect(remarksUnderWay(header, 3)).toBe(3);
    acknowledgeRemark(header);
    expect(remarksUnderWay(header, 3)).toBe(2);
    header[0] = 2 ** 31 - 1;
    acknowledgeRemark(header);
    expect(remarksUnderWay(header, 2 ** 31 + 5)).toBe(5);
  });

  it("has the memory of the thread, in whole MiB", () => {
    const header = headerOf(createControl(1));
    expect(reportedMemory(header)).toBe(0);
    reportMemory(header, 5 * 2 ** 30 + 1);
    expect(reportedMemory(header)).toBe(5 * 2 ** 30 + 2 ** 20);
  });
});

describe("the shared clock", () => {
  it("is the same in a thread as in the main thread", async () => {
    const url = new URL("../../../src/base/time.ts", import.meta.url).href;
    const before = sharedNow();
    const worker = new Worker(
      `import("tsx/esm/api")
        .then(({ register }) => (register(), import(${JSON.stringify(url)})))
        .then(({ sharedNow }) => require("node:worker_threads").parentPort.postMessage(sharedNow()));`,
      { eval: true },
    );
    const there = await new Promise<number>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
    const after = sharedNow();
    await worker.terminate();
    expect(there).toBeGreaterThan(before);
    expect(there).toBeLessThan(after);
  });
});

// The memory that the main thread and a thread share, and the clock.
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { createControl, headerOf, sharedNow, slotMemory, slotSize } from "../../../src/engine/threads/protocol.js";

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
    for (const { cells, runMs, wanted, beganAt } of memories) {
      expect([cells.length, runMs.length, wanted.length, beganAt.length]).toEqual([slotSize, slotSize, slotSize, 1]);
    }
  });
});

describe("the shared clock", () => {
  it("is the same in a thread as in the main thread", async () => {
    const url = new URL("../../../src/engine/threads/protocol.ts", import.meta.url).href;
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

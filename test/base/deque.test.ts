// The ring, compared with a plain array.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Deque } from "../../src/base/deque.js";
import { survivors } from "../support/garbage.js";

const step = fc.oneof(
  {
    arbitrary: fc.record({ act: fc.constantFrom("pushBack", "pushFront"), times: fc.integer({ min: 1, max: 40 }) }),
    weight: 3,
  },
  { arbitrary: fc.record({ act: fc.constant("popFront"), times: fc.integer({ min: 1, max: 60 }) }), weight: 3 },
  { arbitrary: fc.record({ act: fc.constant("filter"), times: fc.integer({ min: 1, max: 5 }) }), weight: 1 },
);

describe("a deque", () => {
  it("does what an array does", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
        const deque = new Deque<number>();
        let model: number[] = [];
        let next = 0;
        const seen: unknown[] = [];
        const expected: unknown[] = [];
        for (const { act, times } of steps) {
          if (act === "filter") {
            deque.filter((item) => item % (times + 1) !== 0);
            model = model.filter((item) => item % (times + 1) !== 0);
          }
          for (let i = 0; i < times && act !== "filter"; i++) {
            if (act === "pushBack") {
              deque.pushBack(next);
              model.push(next++);
            } else if (act === "pushFront") {
              deque.pushFront(next);
              model.unshift(next++);
            } else {
              seen.push(deque.popFront());
              expected.push(model.shift());
            }
            seen.push(deque.length, deque.peekFront());
            expected.push(model.length, model[0]);
          }
        }
        for (let left = model.length; left >= 0; left--) {
          seen.push(deque.popFront());
          expected.push(model.shift());
        }
        expect(seen).toEqual(expected);
        expect(deque.length).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it("keeps its order through a burst and its end", () => {
    const deque = new Deque<number>();
    for (let i = 0; i < 100_000; i++) deque.pushBack(i);
    for (let i = 0; i < 100_000; i++) if (deque.popFront() !== i) expect.unreachable();
    deque.pushFront(1);
    expect(deque.popFront()).toBe(1);
  });

  it("lets go of what was taken out", async () => {
    const deque = new Deque<object>();
    const made = Array.from({ length: 100 }, (_, index) => {
      const item = { index };
      deque.pushBack(item);
      return new WeakRef<object>(item);
    });
    for (let i = 0; i < 90; i++) deque.popFront();
    expect(await survivors(made)).toBe(10);
    expect(deque.length).toBe(10);
  });
});

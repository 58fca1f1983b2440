// How long until the next attempt: exact values, with chance taken out of it.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Backoff } from "../../../src/core/definition.js";
import { backoffDelay } from "../../../src/core/retry/backoff.js";

const longest = 2 ** 31 - 1;
const error = new Error("failed");

/** The delays after the first attempts, with the same draw each time. */
function delays(backoff: Backoff, random: number, attempts = 5): number[] {
  return Array.from({ length: attempts }, (_, index) => backoffDelay(backoff, index + 1, error, () => random));
}

describe("the backoff", () => {
  it.each<[string, Backoff, number, number[]]>([
    ["a number", 250, 0.7, [250, 250, 250, 250, 250]],
    ["nothing", 0, 0.7, [0, 0, 0, 0, 0]],
    ["constant", { type: "constant", delay: 100 }, 0.7, [100, 100, 100, 100, 100]],
    ["constant, half of it drawn, low", { type: "constant", delay: 100, jitter: 0.5 }, 0, [50, 50, 50, 50, 50]],
    ["constant, half of it drawn, middle", { type: "constant", delay: 100, jitter: 0.5 }, 0.5, [75, 75, 75, 75, 75]],
    ["exponential, nothing drawn", { type: "exponential", delay: 100, jitter: 0 }, 0.7, [100, 200, 400, 800, 1_600]],
    ["exponential, the lowest draw", { type: "exponential", delay: 100 }, 0, [50, 100, 200, 400, 800]],
    ["exponential, the middle draw", { type: "exponential", delay: 100 }, 0.5, [75, 150, 300, 600, 1_200]],
    ["exponential, all of it drawn", { type: "exponential", delay: 100, jitter: 1 }, 0.25, [25, 50, 100, 200, 400]],
    [
      "exponential, with a limit",
      { type: "exponential", delay: 100, maxDelay: 300, jitter: 0 },
      0,
      [100, 200, 300, 300, 300],
    ],
    ["a limit below the delay", { type: "constant", delay: 100, maxDelay: 30 }, 0, [30, 30, 30, 30, 30]],
    ["a function of the attempt", (attempt) => attempt * 10, 0.7, [10, 20, 30, 40, 50]],
  ])("%s", (_, backoff, random, expected) => {
    expect(delays(backoff, random)).toEqual(expected);
  });

  it("grows to an hour at the most by default", () => {
    expect(backoffDelay({ type: "exponential", delay: 1_000, jitter: 0 }, 40, error)).toBe(3_600_000);
  });

  it("draws anew each time, so that what failed together does not come back together", () => {
    const drawn = new Set(
      Array.from({ length: 20 }, () => backoffDelay({ type: "exponential", delay: 1_000 }, 1, error)),
    );
    expect(drawn.size).toBeGreaterThan(10);
  });

  it("is a delay that a timer can hold, whatever the options and the attempt", () => {
    const options = fc.record(
      {
        type: fc.constantFrom("constant" as const, "exponential" as const),
        delay: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: longest })),
        maxDelay: fc.integer({ min: 0, max: longest }),
        jitter: fc.double({ min: 0, max: 1, noNaN: true }),
      },
      { requiredKeys: ["type", "delay"] },
    );
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(options, fc.integer({ min: 1, max: 10_000 }), random, (backoff, attempt, drawn) => {
        const delay = backoffDelay(backoff, attempt, error, () => drawn);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(backoff.maxDelay ?? 3_600_000);
      }),
    );
  });

  it("is not rounded up above maxDelay", () => {
    const backoff = { type: "exponential", delay: 1, maxDelay: 13_551_572, jitter: 6.340503728596722e-10 } as const;
    expect(backoffDelay(backoff, 25, error, () => 0.9999999999999986)).toBeLessThanOrEqual(backoff.maxDelay);
  });

  it("of no delay is none after a thousand attempts, too", () => {
    expect(backoffDelay({ type: "exponential", delay: 0 }, 2_000, error)).toBe(0);
  });

  it("asks a function with the attempt and its error", () => {
    const asked: unknown[] = [];
    backoffDelay((...args) => asked.push(args), 3, error);
    expect(asked).toEqual([[3, error]]);
  });

  it.each<[string, (attempt: number, error: unknown) => number]>([
    ["throws", () => { throw new Error("broken"); }], // biome-ignore format: one row
    ["returns NaN", () => Number.NaN],
    ["returns a negative number", () => -5],
    ["returns nothing", (() => undefined) as unknown as () => number],
    ["returns a promise", (async () => 5) as unknown as () => number],
  ])("waits a second where a function %s", (_, backoff) => {
    expect(backoffDelay(backoff, 1, error)).toBe(1_000);
  });

  it("is one second for an async function, whose rejection is nobody's", async () => {
    const unhandled: unknown[] = [];
    const listen = (error: unknown) => unhandled.push(error);
    process.on("unhandledRejection", listen);
    const ask = async () => {
      throw new Error("no idea");
    };
    expect(backoffDelay(ask as unknown as Backoff, 1, undefined)).toBe(1_000);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", listen);
    expect(unhandled).toEqual([]);
  });

  it("shortens what no timer could hold", () => {
    expect(backoffDelay(() => 1e12, 1, error)).toBe(longest);
    expect(backoffDelay(() => Infinity, 1, error)).toBe(longest);
  });
});

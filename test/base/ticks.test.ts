// Time in a 32-bit integer: right also when it wraps.
import { describe, expect, it, vi } from "vitest";
import { since, ticks, ticksAgo } from "../../src/base/ticks.js";

// The clock was captured when the library was loaded, so the module that captured it is replaced.
const clock = vi.hoisted(() => ({ now: 0 }));
vi.mock("../../src/base/time.js", () => ({ now: () => clock.now }));

const wrapMs = 2 ** 32 / 10;
const hourMs = 3_600_000;

describe("the clock of the records", () => {
  it("counts tenths of a millisecond, in whole numbers that fit 32 bits", () => {
    at(1_234.567);
    expect(ticks()).toBe(12_345);
    at(30 * 24 * hourMs);
    expect(ticks()).toBe(ticks() | 0);
  });

  it("tells a time that has passed, to a tenth of a millisecond", () => {
    at(1_000);
    const start = ticks();
    at(1_012.34);
    expect(since(start)).toBe(12.3);
    expect(since(start, ticks())).toBe(12.3);
    expect(since(start, start)).toBe(0);
  });

  it.each([
    ["the sign changes", wrapMs / 2],
    ["it wraps", wrapMs],
    ["it wraps for the third time", 3 * wrapMs],
  ])("is right across the moment when %s", (_, moment) => {
    at(moment - hourMs);
    const start = ticks();
    at(moment + hourMs);
    expect(since(start)).toBe(2 * hourMs);
  });

  it("counts back to a moment before it began, as far as it reaches", () => {
    at(5_000);
    expect(since(ticksAgo(0))).toBe(0);
    expect(since(ticksAgo(hourMs))).toBe(hourMs);
    const start = ticksAgo(24 * hourMs);
    at(5_000 + hourMs);
    expect(since(start)).toBe(25 * hourMs);
    // Older than it can tell: it counts as old, and not as new.
    expect(since(ticksAgo(30 * 24 * hourMs))).toBeGreaterThan(118 * hourMs);
  });

  it("is right for more than four days, whenever they begin", () => {
    for (let begin = 0; begin < 2 * wrapMs; begin += 7 * hourMs) {
      at(begin);
      const start = ticks();
      at(begin + 118 * hourMs);
      expect(since(start)).toBe(118 * hourMs);
    }
  });
});

function at(ms: number): void {
  clock.now = ms;
}

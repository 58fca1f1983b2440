// Time in a 32-bit integer: right also when it wraps.
import { afterEach, describe, expect, it, vi } from "vitest";
import { since, ticks } from "../../src/base/ticks.js";

const wrapMs = 2 ** 32 / 10;
const hourMs = 3_600_000;

afterEach(() => vi.restoreAllMocks());

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
  vi.spyOn(performance, "now").mockReturnValue(ms);
}

// Percentiles from buckets, against the exact ones.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Histogram } from "../../../src/core/measure/histogram.js";

/** From a microsecond to eleven days, as often small as large. */
const ms = fc.integer({ min: -30_000, max: 90_000 }).map((exponent) => 10 ** (exponent / 10_000));

describe("a histogram", () => {
  it("knows the percentiles within 5 %, and the maximum exactly", () => {
    fc.assert(
      fc.property(fc.array(ms, { minLength: 1, maxLength: 300, size: "max" }), (times) => {
        const { p50, p95, p99, max } = recorded(times).percentiles();
        for (const [estimate, share] of [
          [p50, 0.5],
          [p95, 0.95],
          [p99, 0.99],
        ] as const) {
          const exact = percentile(times, share);
          expect(Math.abs(estimate - exact) / exact).toBeLessThan(0.05);
        }
        expect(max).toBe(Math.max(...times));
        expect(p50).toBeLessThanOrEqual(p95);
        expect(p95).toBeLessThanOrEqual(p99);
        expect(p99).toBeLessThanOrEqual(max);
      }),
      { numRuns: 200 },
    );
  });

  it("says 0 where nothing was recorded", () => {
    expect(new Histogram().percentiles()).toEqual({ p50: 0, p95: 0, p99: 0, max: 0 });
  });

  it("takes times of nothing, and times beyond its last bucket", () => {
    expect(recorded([0, 0, 0]).percentiles()).toEqual({ p50: 0, p95: 0, p99: 0, max: 0 });
    const year = 365 * 24 * 3_600_000;
    expect(recorded([year]).percentiles().max).toBe(year);
    expect(recorded([1, year]).percentiles().p50).toBeCloseTo(1, 1);
  });

  it("that another was added to is as if it had recorded everything itself", () => {
    fc.assert(
      fc.property(fc.array(ms), fc.array(ms), (one, other) => {
        const sum = recorded(one);
        sum.add(recorded(other));
        expect(sum.percentiles()).toEqual(recorded([...one, ...other]).percentiles());
      }),
    );
  });

  it("has exactly the bounds of OpenTelemetry's exponential histogram of scale 3", () => {
    const indexOf = (ms: number): number => recorded([ms]).snapshot().buckets.indexOf(1) - 161;
    fc.assert(
      fc.property(
        ms.filter((time) => time > 1_000 / 2 ** 20 && time < 2 ** 30),
        (time) => {
          const index = indexOf(time);
          // (base^index, base^(index + 1)] in seconds, with a base of 2^(1/8); a bound itself may be off by a rounding.
          expect(time / 1_000).toBeGreaterThanOrEqual(2 ** (index / 8) * (1 - 1e-12));
          expect(time / 1_000).toBeLessThanOrEqual(2 ** ((index + 1) / 8) * (1 + 1e-12));
        },
      ),
    );
    // Powers of two are exact: each is the upper bound of its bucket.
    for (let power = -19; power <= 8; power++) {
      expect(indexOf(1_000 * 2 ** power)).toBe(power * 8 - 1);
      expect(indexOf(1_000 * 2 ** power * (1 + 1e-9))).toBe(power * 8);
    }
  });

  it("knows the sum, and has a snapshot that later times do not change", () => {
    const histogram = recorded([0, 1, 2.5]);
    const snapshot = histogram.snapshot();
    histogram.record(100);
    expect(snapshot).toMatchObject({ count: 3, sumMs: 3.5, maxMs: 2.5 });
    expect(snapshot.buckets[0]).toBe(1);
    expect(snapshot.buckets.reduce((sum, count) => sum + count, 0)).toBe(3);
    expect(new Histogram().snapshot()).toEqual({ count: 0, sumMs: 0, maxMs: 0, buckets: new Uint32Array(0) });
  });

  it("leaves the one that was added as it was", () => {
    const other = recorded([5]);
    const sum = new Histogram();
    sum.add(other);
    sum.record(500);
    expect(other.percentiles().max).toBe(5);
  });
});

function recorded(times: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const time of times) histogram.record(time);
  return histogram;
}

/** The nearest-rank percentile: the smallest value that at least this share of all does not exceed. */
function percentile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
}

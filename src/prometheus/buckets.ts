// The buckets of the histograms: powers of two of a second. Each is a bound of the library's own histogram, so nothing is guessed.
import type { HistogramSnapshot } from "../core/measure/histogram.js";

/** A histogram as Prometheus has it. */
export interface CumulativeBuckets {
  readonly count: number;
  readonly sum: number;
  /** How many are at most so long, by upper bound in seconds; all of them are in `count`. */
  readonly atMost: readonly (readonly [bound: number, count: number])[];
}

const exponents = [-10, -8, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 8];

/** The bounds in seconds. */
export const bounds: readonly number[] = exponents.map((exponent) => 2 ** exponent);

/** Bucket n of the library ends at 2^(n / 8 - 20) s. */
const last = exponents.map((exponent) => (exponent + 20) * 8);

export function bucketsOf({ count, sumMs, buckets }: HistogramSnapshot): CumulativeBuckets {
  let below = 0;
  let at = 0;
  const atMost = bounds.map((bound, index): readonly [number, number] => {
    for (const end = last[index] ?? 0; at <= end; at++) below += buckets[at] ?? 0;
    return [bound, below];
  });
  return { count, sum: sumMs / 1_000, atMost };
}

// Times in logarithmic buckets: bounded memory, percentiles within 5 %, about 20 ns for each time.

const perOctave = 8;
// The first bucket ends at this many ms; 40 octaves above it are 12 days.
const smallestMs = 0.001;
const buckets = 40 * perOctave;

/** Percentiles of times in ms; 0 where nothing was recorded. */
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export class Histogram {
  // Made with the first time, because most names of an application are seldom run.
  #counts: Uint32Array | undefined;
  #total = 0;
  #max = 0;

  record(ms: number): void {
    this.#counts ??= new Uint32Array(buckets);
    const bucket = ms <= smallestMs ? 0 : Math.min(buckets - 1, Math.floor(Math.log2(ms / smallestMs) * perOctave));
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#total++;
    if (ms > this.#max) this.#max = ms;
  }

  /** Adds all that another has recorded. */
  add(other: Histogram): void {
    if (other.#counts === undefined) return;
    this.#counts ??= new Uint32Array(buckets);
    for (let bucket = 0; bucket < buckets; bucket++) {
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + (other.#counts[bucket] ?? 0);
    }
    this.#total += other.#total;
    this.#max = Math.max(this.#max, other.#max);
  }

  percentiles(): Percentiles {
    return { p50: this.#at(0.5), p95: this.#at(0.95), p99: this.#at(0.99), max: this.#max };
  }

  /** The middle of the bucket in which the share `quantile` is reached. */
  #at(quantile: number): number {
    if (this.#counts === undefined) return 0;
    let seen = 0;
    for (let bucket = 0; bucket < buckets; bucket++) {
      seen += this.#counts[bucket] ?? 0;
      if (seen >= this.#total * quantile) {
        return Math.min(this.#max, smallestMs * 2 ** ((bucket + 0.5) / perOctave));
      }
    }
    return this.#max;
  }
}

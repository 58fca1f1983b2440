// Times in logarithmic buckets: bounded memory, percentiles within 5 %, about 20 ns for each time.
//
// The bounds are 2^(n / 8) seconds. These are the bounds of OpenTelemetry's exponential histogram of scale 3, and every power of
// two is one of them. So exporters pass the counts on without an error of their own.

const perOctave = 8;
/** The upper bound of bucket 0, in ms: 2^-20 s. */
const smallestMs = 1_000 / 2 ** 20;
/** Bucket 0, and 40 octaves above it, which are 12 days. */
const buckets = 1 + 40 * perOctave;

/** Percentiles of times in ms; 0 where nothing was recorded. */
export interface Percentiles {
  /** Half of them took at most so long, in ms. */
  readonly p50: number;
  /** 95 of 100 took at most so long, in ms. */
  readonly p95: number;
  /** 99 of 100 took at most so long, in ms. */
  readonly p99: number;
  /** The longest, in ms. */
  readonly max: number;
}

/** What a histogram has recorded. */
export interface HistogramSnapshot {
  /** How many times. */
  readonly count: number;
  /** All of them together, in ms. */
  readonly sumMs: number;
  /** The longest, in ms. */
  readonly maxMs: number;
  /**
   * How many there are in each bucket; empty where nothing was recorded. Bucket n has the times above 2^((n - 1) / 8 - 20) s and up
   * to 2^(n / 8 - 20) s. Bucket 0 has all up to 2^-20 s, and the last one all that are longer. In OpenTelemetry's exponential
   * histogram of scale 3, bucket 0 is the count of zeros, and bucket n has the index n - 161.
   */
  readonly buckets: Uint32Array;
}

const nothing = new Uint32Array(0);
const quantiles = [0.5, 0.95, 0.99];

export class Histogram {
  // Made with the first time, because most names of an application are seldom run.
  #counts: Uint32Array | undefined;
  #total = 0;
  #sum = 0;
  #max = 0;

  record(ms: number): void {
    this.#counts ??= new Uint32Array(buckets);
    const bucket = bucketOf(ms);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#total++;
    this.#sum += ms;
    if (ms > this.#max) this.#max = ms;
  }

  /** Adds all that another has recorded. */
  add(other: Histogram): void {
    if (other.#counts === undefined) return;
    this.#counts ??= new Uint32Array(buckets);
    const last = bucketOf(other.#max);
    for (let bucket = 0; bucket <= last; bucket++) {
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + (other.#counts[bucket] ?? 0);
    }
    this.#total += other.#total;
    this.#sum += other.#sum;
    this.#max = Math.max(this.#max, other.#max);
  }

  percentiles(): Percentiles {
    // Down from the longest time, because half of the times end within a few octaves of it, and a page asks for fifty names.
    const found = [0, 0, 0];
    let below = this.#total;
    for (let next = 2, bucket = bucketOf(this.#max); this.#counts !== undefined && next >= 0 && bucket >= 0; bucket--) {
      below -= this.#counts[bucket] ?? 0;
      for (; next >= 0 && below < this.#total * (quantiles[next] ?? 1); next--) found[next] = this.#middleOf(bucket);
    }
    const [p50 = 0, p95 = 0, p99 = 0] = found;
    return { p50, p95, p99, max: this.#max };
  }

  /** A copy of what it has recorded. */
  snapshot(): HistogramSnapshot {
    return { count: this.#total, sumMs: this.#sum, maxMs: this.#max, buckets: this.#counts?.slice() ?? nothing };
  }

  #middleOf(bucket: number): number {
    return Math.min(this.#max, smallestMs * 2 ** (Math.max(0, bucket - 0.5) / perOctave));
  }
}

function bucketOf(ms: number): number {
  if (ms <= smallestMs) return 0;
  // Multiplied before it is divided: then every power of two is exact, and is in the bucket that it is the bound of.
  return Math.min(buckets - 1, Math.ceil(Math.log2((ms * 2 ** 20) / 1_000) * perOctave));
}

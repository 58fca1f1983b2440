// The metrics as objects of prom-client: for an application that has a registry already.
import type { CumulativeBuckets } from "./buckets.js";
import { Collector, type Family, type Labels, type Measured, type MetricType, metricNames } from "./families.js";

/** A value as prom-client has it. */
export interface PromClientValue {
  /** The name of the series, where it is another than that of the metric. */
  readonly metricName?: string | undefined;
  /** Its labels. */
  readonly labels: Record<string, string | number>;
  /** Its value. */
  readonly value: number;
}

/** What a metric of prom-client answers. */
export interface PromClientValues {
  /** Of the metric. */
  readonly name: string;
  /** Of the metric. */
  readonly help: string;
  /** Of the metric. */
  readonly type: MetricType;
  /** Of the metric. */
  readonly aggregator: "sum" | "max";
  /** Its values now. */
  readonly values: readonly PromClientValue[];
}

/**
 * A metric for `registry.registerMetric()` of prom-client 14 and 15. It has the methods of a gauge, because the types of prom-client
 * ask for them; those that would change it throw.
 */
export interface PromClientMetric {
  /** Its name. */
  readonly name: string;
  /** What it says. */
  readonly help: string;
  /** Its type, in Prometheus' words. */
  readonly type: MetricType;
  /** How an `AggregatorRegistry` makes one value of those of several processes. */
  readonly aggregator: "sum" | "max";
  /** Its values now: `PromClientValues`. */
  // biome-ignore lint/suspicious/noExplicitAny: prom-client has an enum of numbers where its values have texts
  get(): Promise<any>;
  /** Throws. */
  inc(...args: unknown[]): void;
  /** Throws. */
  dec(...args: unknown[]): void;
  /** Throws. */
  set(...args: unknown[]): void;
  /** Throws. */
  setToCurrentTime(...args: unknown[]): void;
  /** Throws. */
  startTimer(...args: unknown[]): never;
  /** Throws. */
  labels(...args: unknown[]): never;
  /** Throws. */
  remove(...args: unknown[]): void;
  /** Does nothing, because a registry calls it for all of its metrics: the counts belong to the offloader. */
  reset(): void;
}

function notHere(): never {
  throw new TypeError(
    "offload-after-response: a metric of an offloader has the values of the offloader, and cannot be changed",
  );
}

const unchanging = {
  inc: notHere,
  dec: notHere,
  set: notHere,
  setToCurrentTime: notHere,
  startTimer: notHere,
  labels: notHere,
  remove: notHere,
  reset() {},
};

export function promClientMetrics(offloaders: readonly Measured[]): PromClientMetric[] {
  const scrape = new Scrape(new Collector(offloaders));
  const [first] = [scrape.families()];
  return metricNames.map((name) => {
    const { help, type, aggregation: aggregator } = first.get(name) as Family;
    const get = async (): Promise<PromClientValues> => {
      return { name, help, type, aggregator, values: valuesOf(scrape.families().get(name) as Family) };
    };
    return { ...unchanging, name, help, type, aggregator, get };
  });
}

/** prom-client asks each metric for itself, all in one turn: they share one collection. */
class Scrape {
  #families: ReadonlyMap<string, Family> | undefined;

  constructor(private readonly collector: Collector) {}

  families(): ReadonlyMap<string, Family> {
    if (this.#families === undefined) {
      this.#families = new Map(this.collector.collect().map((family) => [family.name, family]));
      void Promise.resolve().then(() => {
        this.#families = undefined;
      });
    }
    return this.#families;
  }
}

function valuesOf({ name, samples }: Family): PromClientValue[] {
  return samples.flatMap(({ labels, value }) =>
    typeof value === "number" ? [{ labels: { ...labels }, value }] : seriesOf(name, labels, value),
  );
}

function seriesOf(name: string, labels: Labels, { count, sum, atMost }: CumulativeBuckets): PromClientValue[] {
  const bucket = (le: number | string, value: number): PromClientValue => ({
    metricName: `${name}_bucket`,
    labels: { le, ...labels },
    value,
  });
  return [
    ...atMost.map(([bound, below]) => bucket(bound, below)),
    bucket("+Inf", count),
    { metricName: `${name}_sum`, labels: { ...labels }, value: sum },
    { metricName: `${name}_count`, labels: { ...labels }, value: count },
  ];
}

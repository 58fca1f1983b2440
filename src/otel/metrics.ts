// The metrics of offloaders for OpenTelemetry, pulled by a metric reader: exponential histograms of scale 3 are what the library
// counts in, so nothing is converted.

import { wallClock } from "../base/time.js";
import type { HistogramSnapshot } from "../core/measure/histogram.js";
import { catalogue, type Labels, type Measured, type Metric } from "../observe/metrics/catalogue.js";
import { NameLimit } from "../observe/metrics/name-limit.js";
import type { OffloaderSnapshot } from "../observe/snapshot.js";
import { name, version } from "./scope.js";

// Of @opentelemetry/sdk-metrics, whose enums these are.
const cumulative = 1;
const dataPointTypes = { histogram: 1, gauge: 2, counter: 3 } as const;
const valueTypes = { int: 0, double: 1 } as const;

type HrTime = [number, number];

/** The attribute of each label. A label that is not here is one of `after_response`. */
const attributeOf: Labels = { task: "messaging.destination.name", code: "error.type" };

/** For the option `metricProducers` of a metric reader of `@opentelemetry/sdk-metrics`. */
export interface OffloadMetricProducer {
  /** Called by the reader. */
  // biome-ignore lint/suspicious/noExplicitAny: the types are those of @opentelemetry/sdk-metrics, which the library does not need
  collect(): Promise<any>;
}

/**
 * Gives the metrics of offloaders to a reader, when it asks. Nothing is pushed, and nothing runs between.
 *
 * @param offloaders one offloader, or several with different names
 * @returns for the option `metricProducers` of a metric reader
 * @throws nothing
 * @example
 * ```ts
 * new PeriodicExportingMetricReader({ exporter, metricProducers: [offloadMetrics(offloader)] });
 * ```
 */
export function offloadMetrics(offloaders: Measured | readonly Measured[]): OffloadMetricProducer {
  const all = [offloaders].flat() as Measured[];
  const names = new NameLimit();
  const startTime = hrTime();
  return {
    async collect() {
      const endTime = hrTime();
      const snapshots = all.map((offloader) => names.limited(offloader.snapshot()));
      const metrics = catalogue.map((metric) => metricOf(metric, snapshots, startTime, endTime));
      const scope = { name, version };
      // The reader takes its own resource.
      const resource = { attributes: {}, merge: (other: unknown) => other };
      return { resourceMetrics: { resource, scopeMetrics: [{ scope, metrics }] }, errors: [] };
    },
  };
}

function metricOf(
  { otel, help, unit, type, samples }: Metric,
  snapshots: readonly OffloaderSnapshot[],
  startTime: HrTime,
  endTime: HrTime,
): object {
  const isInt = type !== "histogram" && unit !== "s" && otel !== "threads.utilization";
  return {
    descriptor: {
      name: `after_response.${otel}`,
      description: help,
      unit,
      valueType: isInt ? valueTypes.int : valueTypes.double,
    },
    aggregationTemporality: cumulative,
    dataPointType: dataPointTypes[type],
    ...(type === "counter" && { isMonotonic: true }),
    dataPoints: snapshots.flatMap((snapshot) =>
      [...samples(snapshot)].map(({ labels, value }) => ({
        startTime,
        endTime,
        attributes: attributesOf({ offloader: snapshot.name, ...labels }),
        value: typeof value === "number" ? value : exponential(value),
      })),
    ),
  };
}

function attributesOf(labels: Labels): Labels {
  return Object.fromEntries(
    Object.entries(labels).map(([label, value]) => [attributeOf[label] ?? `after_response.${label}`, value]),
  );
}

/** Bucket 0 of the library is the count of zeros, and bucket n has the index n - 161. */
function exponential({ count, sumMs, maxMs, buckets }: HistogramSnapshot): object {
  const first = buckets.findIndex((value, index) => index > 0 && value > 0);
  const last = buckets.findLastIndex((value, index) => index > 0 && value > 0);
  const bucketCounts = first < 0 ? [] : [...buckets.slice(first, last + 1)];
  return {
    count,
    sum: sumMs / 1_000,
    max: maxMs / 1_000,
    scale: 3,
    zeroCount: buckets[0] ?? 0,
    positive: { offset: first < 0 ? 0 : first - 161, bucketCounts },
    negative: { offset: 0, bucketCounts: [] },
  };
}

function hrTime(): HrTime {
  const ms = wallClock();
  return [Math.trunc(ms / 1_000), Math.round((ms % 1_000) * 1e6)];
}

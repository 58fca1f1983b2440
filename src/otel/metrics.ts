// The metrics of offloaders for OpenTelemetry, pulled by a metric reader: exponential histograms of scale 3 are what the library
// counts in, so nothing is converted.

import { wallClock } from "../base/time.js";
import type { HistogramSnapshot } from "../core/measure/histogram.js";
import type { OffloaderSnapshot } from "../observe/snapshot.js";
import { type Described, definitions, type Value } from "./metric-list.js";

// Of @opentelemetry/sdk-metrics, whose enums these are.
const cumulative = 1;
const dataPointTypes = { histogram: 1, gauge: 2, counter: 3 } as const;
const valueTypes = { int: 0, double: 1 } as const;

type HrTime = [number, number];

/** What is measured: every offloader. */
export interface Measured {
  /** What is measured, at this moment. */
  snapshot(): OffloaderSnapshot;
}

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
  const startTime = hrTime();
  return {
    async collect() {
      const endTime = hrTime();
      const snapshots = all.map((offloader) => offloader.snapshot());
      const metrics = definitions.map((definition) => metricOf(definition, snapshots, startTime, endTime));
      const scope = { name: "offload-after-response", version: "0.1.0" };
      // The reader takes its own resource.
      const resource = { attributes: {}, merge: (other: unknown) => other };
      return { resourceMetrics: { resource, scopeMetrics: [{ scope, metrics }] }, errors: [] };
    },
  };
}

function metricOf(
  definition: Described,
  snapshots: readonly OffloaderSnapshot[],
  startTime: HrTime,
  endTime: HrTime,
): object {
  const { name, description, unit, type } = definition;
  const isInt = type !== "histogram" && unit !== "s" && unit !== "1";
  return {
    descriptor: { name, description, unit, valueType: isInt ? valueTypes.int : valueTypes.double },
    aggregationTemporality: cumulative,
    dataPointType: dataPointTypes[type],
    ...(type === "counter" && { isMonotonic: true }),
    dataPoints: snapshots.flatMap((snapshot) =>
      [...definition.values(snapshot)].map(([attributes, value]) => ({
        startTime,
        endTime,
        attributes: { "after_response.offloader": snapshot.name, ...attributes },
        value: pointOf(value),
      })),
    ),
  };
}

function pointOf(value: Value): unknown {
  return typeof value === "number" ? value : exponential(value);
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

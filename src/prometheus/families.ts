// The metrics of the catalogue as Prometheus has them.
import {
  type Aggregation,
  catalogue,
  type Labels,
  type Measured,
  type MetricType,
} from "../observe/metrics/catalogue.js";
import { NameLimit } from "../observe/metrics/name-limit.js";
import { bucketsOf, type CumulativeBuckets } from "./buckets.js";

export type { Aggregation, Labels, Measured, MetricType } from "../observe/metrics/catalogue.js";

/** One value of a metric. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number | CumulativeBuckets;
}

/** A metric and its values at one moment. */
export interface Family {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly aggregation: Aggregation;
  readonly samples: readonly Sample[];
}

export const metricNames: readonly string[] = catalogue.map(({ prometheus }) => withPrefix(prometheus));

function withPrefix(name: string): string {
  return `after_response_${name}`;
}

/** Collects the metrics of offloaders, again and again, with a bounded number of task names. */
export class Collector {
  readonly #names = new NameLimit();

  constructor(private readonly offloaders: readonly Measured[]) {}

  collect(): Family[] {
    const snapshots = this.offloaders.map((offloader) => this.#names.limited(offloader.snapshot()));
    return catalogue.map(({ prometheus, type, help, aggregation = "sum", samples }) => ({
      name: withPrefix(prometheus),
      type,
      help,
      aggregation,
      samples: snapshots.flatMap((snapshot) =>
        [...samples(snapshot)].map(({ labels, value }) => ({
          labels: { offloader: snapshot.name, ...labels },
          value: typeof value === "number" ? value : bucketsOf(value),
        })),
      ),
    }));
  }
}

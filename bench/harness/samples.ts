// What a benchmark has measured: for each metric, contender and setting, one value a round.
import { type Summary, summarise } from "./statistics.js";

/** One line of the results file. */
export interface Series {
  readonly metric: string;
  readonly contender: string;
  /** What was varied, such as the number of tasks outstanding. */
  readonly at: number | string;
  readonly values: readonly number[];
}

export class Samples {
  readonly #values = new Map<string, { metric: string; contender: string; at: number | string; values: number[] }>();

  add(metric: string, contender: string, at: number | string, value: number | undefined): void {
    if (value === undefined) return;
    const key = JSON.stringify([metric, contender, at]);
    const series = this.#values.get(key) ?? { metric, contender, at, values: [] };
    series.values.push(value);
    this.#values.set(key, series);
  }

  values(metric: string, contender: string, at: number | string): readonly number[] {
    return this.#values.get(JSON.stringify([metric, contender, at]))?.values ?? [];
  }

  summary(metric: string, contender: string, at: number | string): Summary | undefined {
    const values = this.values(metric, contender, at);
    return values.length > 0 ? summarise(values) : undefined;
  }

  /** One contender over another, divided within each round, for what disturbs a round disturbs both. */
  ratio(metric: string, contender: string, baseline: string, at: number | string): Summary | undefined {
    const over = this.values(metric, contender, at);
    const under = this.values(metric, baseline, at);
    const ratios = over.slice(0, under.length).map((value, round) => value / (under[round] ?? Number.NaN));
    return ratios.length > 0 ? summarise(ratios) : undefined;
  }

  /** The settings at which a metric was measured, in the order of their first measurement. */
  settings(metric: string): readonly (number | string)[] {
    return [...new Set(this.all().flatMap((series) => (series.metric === metric ? [series.at] : [])))];
  }

  contenders(metric: string): readonly string[] {
    return [...new Set(this.all().flatMap((series) => (series.metric === metric ? [series.contender] : [])))];
  }

  all(): readonly Series[] {
    return [...this.#values.values()];
  }
}

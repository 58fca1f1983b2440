// What a benchmark is, and what it hands back.
import type { Chart } from "../plot/chart.js";
import type { Samples } from "./samples.js";
import type { Summary } from "./statistics.js";

/** `short` fits into a few minutes with all the others; `full` takes its time. */
export type Scale = "short" | "full";

export interface Benchmark {
  readonly name: string;
  readonly title: string;
  /** How it is measured, in a few sentences: they stand above its figures. */
  readonly how: string;
  run(scale: Scale, say: (line: string) => void): Promise<Findings>;
}

export interface Findings {
  readonly samples: Samples;
  /** What a program of its own printed. */
  readonly text?: string;
  readonly tables: readonly Table[];
  /** Tables for other pages, by the names of their blocks. */
  readonly quotes?: Readonly<Record<string, Table>>;
  readonly bars: readonly Bar[];
  readonly charts: readonly Chart[];
}

/** Rows are contenders, columns settings. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What we hold ourselves to. */
export interface Bar {
  readonly text: string;
  readonly measured: Summary;
  readonly bound: number;
  readonly unit: string;
  readonly met: boolean;
}

export function atLeast(text: string, measured: Summary | undefined, bound: number, unit = "x"): Bar[] {
  return measured === undefined ? [] : [{ text, measured, bound, unit, met: measured.median >= bound }];
}

export function atMost(text: string, measured: Summary | undefined, bound: number, unit = "x"): Bar[] {
  return measured === undefined ? [] : [{ text, measured, bound, unit, met: measured.median <= bound }];
}

// What a benchmark is, and what it hands back.
import type { Chart } from "../plot/chart.js";
import type { Samples } from "./samples.js";
import type { Summary } from "./statistics.js";

/** All benchmarks together take less than five minutes as `quick`, and twenty minutes as `short`, which is published; `full` takes its time. */
export type Scale = "quick" | "short" | "full";

/** `quick` is `short` with half of its rounds, and where many are compared only with those that the bars are about. */
export type Sizes<Size> = Readonly<Record<Exclude<Scale, "quick">, Size>>;

export function sizeOf<Size extends { readonly rounds: number }>(sizes: Sizes<Size>, scale: Scale): Size {
  const size = ofEachRound(sizes, scale);
  return scale === "quick" ? { ...size, rounds: Math.ceil(size.rounds / 2) } : size;
}

/** What is the same in a quick run and in a short one. */
export function ofEachRound<Value>(values: Sizes<Value>, scale: Scale): Value {
  return values[scale === "quick" ? "short" : scale];
}

/** Who is measured: all, or in a quick run some of them. */
export function measuredIn<Name>(scale: Scale, all: readonly Name[], inQuick: readonly Name[]): readonly Name[] {
  return scale === "quick" ? all.filter((name) => inQuick.includes(name)) : all;
}

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

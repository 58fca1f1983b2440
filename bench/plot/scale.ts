// From values to places on an axis, and the ticks of an axis.
import type { Axis } from "./chart.js";

export interface Scale {
  readonly ticks: readonly number[];
  /** A value as a place between 0 and 1. */
  place(value: number): number;
}

export function scaleOf(axis: Axis, values: readonly number[]): Scale {
  return axis.scale === "log" ? logScale(values) : linearScale(values);
}

/** A linear axis that ends with its values, as time does. */
export function tight(axis: Axis, values: readonly number[]): Scale {
  if (axis.scale === "log") return logScale(values);
  const high = Math.max(...values);
  return { ticks: linearScale(values).ticks.filter((tick) => tick <= high), place: (value) => value / high };
}

function logScale(values: readonly number[]): Scale {
  const positive = values.filter((value) => value > 0);
  const low = Math.log10(Math.min(...positive));
  const high = Math.log10(Math.max(...positive));
  // A little air, but no whole decade of it.
  const from = low - Math.max(0.08, (high - low) * 0.03);
  const to = high + Math.max(0.08, (high - low) * 0.03);
  const decades = range(Math.ceil(from), Math.floor(to)).map((exponent) => 10 ** exponent);
  const fine = range(Math.floor(from), Math.ceil(to)).flatMap((exponent) =>
    [1, 2, 5].map((digit) => digit * 10 ** exponent),
  );
  const ticks = decades.length >= 4 ? decades : fine;
  return {
    ticks: ticks.filter((tick) => Math.log10(tick) >= from && Math.log10(tick) <= to),
    place: (value) => (Math.log10(Math.max(value, 10 ** from)) - from) / (to - from),
  };
}

function linearScale(values: readonly number[]): Scale {
  const high = Math.max(...values);
  const rough = high / 5;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * magnitude >= rough) ?? 10) * magnitude;
  const top = Math.ceil(high / step) * step;
  return { ticks: range(0, Math.round(top / step)).map((i) => i * step), place: (value) => value / top };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}

/** A tick in few letters: 20, 5k, 1M, 0.5. */
export function short(value: number, unit = ""): string {
  const [divisor, letter] = value >= 1e6 ? [1e6, "M"] : value >= 1e3 ? [1e3, "k"] : [1, ""];
  return `${Number((value / divisor).toPrecision(3))}${letter}${unit}`;
}

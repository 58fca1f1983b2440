// What a chart says; bench/plot/svg.ts draws it.

/** Lines over something that was varied, or rows of marks. */
export type Chart = LineChart | DotChart;

export interface Axis {
  readonly label: string;
  readonly scale: "log" | "linear";
  /** How ticks are written; default: short numbers. */
  readonly unit?: string;
}

export interface Point {
  readonly x: number;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface LineChart {
  readonly kind: "lines";
  /** The name of the file, without `.svg`. */
  readonly file: string;
  readonly title: string;
  readonly subtitle: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly { readonly name: string; readonly points: readonly Point[] }[];
}

export interface DotChart {
  readonly kind: "dots";
  readonly file: string;
  readonly title: string;
  readonly subtitle: string;
  readonly x: Axis;
  /** The names of the marks, in the order in which each row has them. */
  readonly marks: readonly string[];
  readonly rows: readonly {
    readonly name: string;
    /** Written at the end of the row. */
    readonly note?: string;
    readonly marks: readonly (Omit<Point, "x"> | undefined)[];
  }[];
}

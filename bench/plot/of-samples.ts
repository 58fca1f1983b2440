// Charts made of what was measured.
import type { Samples } from "../harness/samples.js";
import type { LineChart, Point } from "./chart.js";

/** A line a contender over the numbers that were varied. */
export function lineChart(
  samples: Samples,
  metric: string,
  chart: Omit<LineChart, "kind" | "lines">,
  contenders: readonly string[] = samples.contenders(metric),
): LineChart {
  const settings = samples.settings(metric).filter((at) => typeof at === "number");
  const lines = contenders.map((name) => ({
    name,
    points: settings.flatMap((at) => point(samples, metric, name, at)),
  }));
  return { kind: "lines", ...chart, lines: lines.filter(({ points }) => points.length > 0) };
}

function point(samples: Samples, metric: string, contender: string, at: number): Point[] {
  const summary = samples.summary(metric, contender, at);
  return summary === undefined ? [] : [{ x: at, ...summary }];
}

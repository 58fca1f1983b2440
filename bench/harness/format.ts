// Figures as people read them, and tables of them.
import type { Table } from "./benchmark.js";
import type { Samples } from "./samples.js";
import type { Summary } from "./statistics.js";

/** Three significant digits, thousands separated. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return "-";
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  const rounded = digits === 0 && Math.abs(value) >= 1000 ? Number(value.toPrecision(3)) : value;
  return rounded.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** `median (lowest to highest)`; the median alone of one round. */
export function spread(summary: Summary | undefined): string {
  if (summary === undefined) return "-";
  const { median, min, max, rounds } = summary;
  return rounds === 1 ? figure(median) : `${figure(median)} (${figure(min)} to ${figure(max)})`;
}

/** A table of one metric: a row a contender, a column a setting, and behind each figure the ratio to the baseline. */
export function metricTable(samples: Samples, metric: string, title: string, baseline?: string): Table {
  const settings = samples.settings(metric);
  return {
    title,
    columns: ["", ...settings.map((at) => (typeof at === "number" ? at.toLocaleString("en-US") : at))],
    rows: samples.contenders(metric).map((contender) => [
      contender,
      ...settings.map((at) => {
        const summary = samples.summary(metric, contender, at);
        const ratio = baseline === undefined ? undefined : samples.ratio(metric, contender, baseline, at);
        if (summary === undefined) return "-";
        return `${spread(summary)}${ratio === undefined || contender === baseline ? "" : ` ${figure(ratio.median)}x`}`;
      }),
    ]),
  };
}

/** The table as Markdown, aligned so that it can be read in a terminal. */
export function markdown({ title, columns, rows }: Table): string {
  const widths = columns.map((_, column) =>
    Math.max(3, ...[columns, ...rows].map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => pad(cells[column] ?? "", width, column)).join(" | ")} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return `${title}\n\n${[line(columns), rule, ...rows.map(line)].join("\n")}\n`;
}

function pad(text: string, width: number, column: number): string {
  return column === 0 ? text.padEnd(width) : text.padStart(width);
}

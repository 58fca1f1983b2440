// A strict reader of Prometheus' text format 0.0.4: it throws at whatever the format does not allow.

export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Metric {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly series: readonly Series[];
}

const suffixes: Readonly<Record<string, readonly string[]>> = { histogram: ["_bucket", "_sum", "_count"] };

/** Reads a scrape. Throws with the line that is wrong. */
export function readExposition(text: string): Map<string, Metric> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const metrics = new Map<string, Metric & { series: Series[] }>();
  let help: { name: string; text: string } | undefined;
  let current: (Metric & { series: Series[] }) | undefined;
  const seen = new Set<string>();
  for (const line of text.slice(0, -1).split("\n")) {
    const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line) ?? [];
    if (kind === "HELP") {
      if (metrics.has(name)) throw new Error(`twice: ${line}`);
      help = { name, text: rest };
    } else if (kind === "TYPE") {
      if (help?.name !== name) throw new Error(`no HELP before ${line}`);
      if (!["counter", "gauge", "histogram"].includes(rest)) throw new Error(`unknown type: ${line}`);
      current = { name, type: rest, help: help.text, series: [] };
      metrics.set(name, current);
    } else {
      if (current === undefined) throw new Error(`a series without a metric: ${line}`);
      const series = seriesOf(line);
      const names = (suffixes[current.type] ?? [""]).map((suffix) => current?.name + suffix);
      if (!names.includes(series.name)) throw new Error(`not of ${current.name}: ${line}`);
      const key = JSON.stringify([series.name, Object.entries(series.labels).sort()]);
      if (seen.has(key)) throw new Error(`twice: ${line}`);
      seen.add(key);
      current.series.push(series);
    }
  }
  return metrics;
}

function seriesOf(line: string): Series {
  const match = /^([a-zA-Z_:][\w:]*)\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"(?:,|(?=\})))*)\} (\S+)$/.exec(line);
  if (match === null) throw new Error(`no series: ${line}`);
  const [, name = "", pairs = "", number = ""] = match;
  const labels: Record<string, string> = {};
  for (const [, label = "", text = ""] of pairs.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)) {
    labels[label] = text.replace(/\\(.)/g, (_, escaped) => (escaped === "n" ? "\n" : escaped));
  }
  const value = number === "+Inf" ? Number.POSITIVE_INFINITY : Number(number);
  if (Number.isNaN(value)) throw new Error(`no number: ${line}`);
  return { name, labels, value };
}

// The text exposition format of Prometheus, version 0.0.4.
// https://prometheus.io/docs/instrumenting/exposition_formats/
import type { Family, Labels } from "./families.js";

export const contentType = "text/plain; version=0.0.4; charset=utf-8";

/** Every family that has a value, as text. */
export function textOf(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(
      (family) =>
        `# HELP ${family.name} ${escapedHelp(family.help)}\n# TYPE ${family.name} ${family.type}\n${linesOf(family)}`,
    )
    .join("");
}

function linesOf({ name, samples }: Family): string {
  let text = "";
  for (const { labels, value } of samples) {
    if (typeof value === "number") {
      text += line(name, labels, value);
      continue;
    }
    for (const [bound, count] of value.atMost)
      text += line(`${name}_bucket`, { ...labels, le: numberOf(bound) }, count);
    text += line(`${name}_bucket`, { ...labels, le: "+Inf" }, value.count);
    text += line(`${name}_sum`, labels, value.sum);
    text += line(`${name}_count`, labels, value.count);
  }
  return text;
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapedLabel(text)}"`);
  return `${name}{${pairs.join(",")}} ${numberOf(value)}\n`;
}

function numberOf(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}

function escapedHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapedLabel(text: string): string {
  return escapedHelp(text).replaceAll('"', '\\"');
}

// Draws charts as SVG, by hand: no library, no script, readable on light and dark pages, since it brings its own ground.
import type { Axis, Chart, DotChart, LineChart, Point } from "./chart.js";
import { type Scale, scaleOf, short, tight } from "./scale.js";

const width = 900;
const ground = "#ffffff";
const ink = "#1f2430";
const faint = "#6b7280";
const grid = "#e8eaee";
/** Ours stands out; the others are told apart by colour and by their names at the lines. */
const oursColours = ["#d9480f", "#f08c00", "#c2255c", "#ad6a00"];
const otherColours = ["#3b5bdb", "#0b7285", "#5f3dc4", "#2b8a3e", "#495057", "#1098ad", "#868e96"];
/** Room for a letter of a label, in px. A bold one takes 6 on average in Liberation Sans, and other fonts below are wider. */
const letterWidth = 7;
const font = "font-family=\"system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif\"";

export function draw(chart: Chart): string {
  return chart.kind === "lines" ? drawLines(chart) : drawDots(chart);
}

function drawLines(chart: LineChart): string {
  const height = 440;
  const names = widest(chart.lines.map(({ name }) => name));
  const box = { left: 70, right: width - Math.max(250, names + 30), top: 86, bottom: height - 58 };
  const points = chart.lines.flatMap((line) => line.points);
  const x = tight(
    chart.x,
    points.map((point) => point.x),
  );
  const y = scaleOf(
    chart.y,
    points.flatMap(({ min, max }) => [min, max]),
  );
  const atX = (value: number) => box.left + x.place(value) * (box.right - box.left);
  const atY = (value: number) => box.bottom - y.place(value) * (box.bottom - box.top);
  const colour = colours(chart.lines.map((line) => line.name));
  const drawn = chart.lines.map(({ name, points }) => drawLine(points, colour(name), isOurs(name), atX, atY));
  const ends = chart.lines.flatMap(({ name, points }) => {
    const last = points.at(-1);
    return last === undefined ? [] : [{ name, x: atX(last.x), y: atY(last.median), colour: colour(name) }];
  });
  return frame(chart, height, [
    ...y.ticks.map(
      (tick) =>
        `<path d="M${box.left} ${n(atY(tick))}H${box.right}" stroke="${grid}"/>${text(box.left - 8, atY(tick) + 4, short(tick, chart.y.unit), faint, "end")}`,
    ),
    ...x.ticks.map((tick) => text(atX(tick), box.bottom + 20, short(tick, chart.x.unit), faint, "middle")),
    `<path d="M${box.left} ${box.bottom}H${box.right}" stroke="${faint}"/>`,
    text((box.left + box.right) / 2, box.bottom + 42, chart.x.label, faint, "middle"),
    text(box.left, box.top - 10, chart.y.label, faint),
    ...drawn,
    ...labels(ends, box.right + 14, box.top, box.bottom),
  ]);
}

function drawLine(
  points: readonly Point[],
  colour: string,
  strong: boolean,
  atX: (value: number) => number,
  atY: (value: number) => number,
): string {
  const there = points.map(({ x, max }) => `${n(atX(x))} ${n(atY(max))}`);
  const back = [...points].reverse().map(({ x, min }) => `${n(atX(x))} ${n(atY(min))}`);
  const middle = points.map(({ x, median }) => `${n(atX(x))} ${n(atY(median))}`).join("L");
  const dots = points
    .slice(0, points.length > 40 ? 0 : undefined)
    .map(
      ({ x, median }) =>
        `<circle cx="${n(atX(x))}" cy="${n(atY(median))}" r="${strong ? 3.5 : 2.5}" fill="${colour}"/>`,
    );
  return [
    `<path d="M${[...there, ...back].join("L")}Z" fill="${colour}" opacity="0.13"/>`,
    `<path d="M${middle}" fill="none" stroke="${colour}" stroke-width="${strong ? 2.6 : 1.5}" stroke-linejoin="round"/>`,
    ...dots,
  ].join("");
}

/** Names at the ends of their lines, moved apart where they would overlap. */
function labels(
  ends: readonly { name: string; x: number; y: number; colour: string }[],
  left: number,
  top: number,
  bottom: number,
): string[] {
  const gap = 17;
  const sorted = [...ends].sort((a, b) => a.y - b.y).map((end) => ({ ...end, at: end.y }));
  for (let i = 1; i < sorted.length; i++) {
    const [above, below] = [sorted[i - 1], sorted[i]];
    if (above !== undefined && below !== undefined) below.at = Math.max(below.at, above.at + gap);
  }
  const excess = Math.max(0, (sorted.at(-1)?.at ?? 0) - bottom);
  for (let i = sorted.length - 1, limit = bottom; i >= 0 && excess > 0; i--, limit -= gap) {
    const end = sorted[i];
    if (end !== undefined) end.at = Math.max(top, Math.min(end.at, limit));
  }
  return sorted.map(
    ({ name, x, y, colour, at }) =>
      `<path d="M${n(x + 5)} ${n(y)}L${left - 3} ${n(at)}" stroke="${colour}" opacity="0.35"/>${text(left, at + 4, name, colour, "start", isOurs(name) ? 600 : 400)}`,
  );
}

function drawDots(chart: DotChart): string {
  const rowHeight = 38;
  const height = 152 + chart.rows.length * rowHeight;
  const names = widest(chart.rows.map(({ name }) => name));
  const notes = widest(chart.rows.map(({ note = "" }) => note));
  const box = {
    left: Math.max(210, names + 30),
    right: width - Math.max(190, notes + 30),
    top: 100,
    bottom: height - 50,
  };
  const all = chart.rows.flatMap(({ marks }) =>
    marks.flatMap((mark) => (mark === undefined ? [] : [mark.min, mark.max])),
  );
  const x = scaleOf(chart.x, all);
  const atX = (value: number) => box.left + x.place(value) * (box.right - box.left);
  const rows = chart.rows.map((row, index) => {
    const y = box.top + (index + 0.5) * rowHeight;
    const colour = isOurs(row.name) ? "#d9480f" : "#3b5bdb";
    return [
      `<path d="M${box.left} ${y}H${box.right}" stroke="${grid}"/>`,
      text(box.left - 14, y + 4, row.name, ink, "end", isOurs(row.name) ? 600 : 400),
      ...row.marks.map((mark, which) => (mark === undefined ? "" : drawMark(which, mark, atX, y, colour))),
      row.note === undefined ? "" : text(box.right + 14, y + 4, row.note, faint),
    ].join("");
  });
  const legend = chart.marks.map((name, which) => {
    const left = box.left + which * 90;
    return `${shape(which, left, 82, faint)}${text(left + 10, 86, name, faint)}`;
  });
  return frame(chart, height, [...drawXAxis(chart.x, x, atX, box), ...(chart.marks.length > 1 ? legend : []), ...rows]);
}

function drawXAxis(
  axis: Axis,
  scale: Scale,
  atX: (value: number) => number,
  box: { left: number; right: number; top: number; bottom: number },
): string[] {
  return [
    ...scale.ticks.map(
      (tick) =>
        `<path d="M${n(atX(tick))} ${box.top}V${box.bottom - 8}" stroke="${grid}"/>${text(atX(tick), box.bottom + 8, short(tick, axis.unit), faint, "middle")}`,
    ),
    text((box.left + box.right) / 2, box.bottom + 30, axis.label, faint, "middle"),
  ];
}

function drawMark(
  which: number,
  { median, min, max }: Omit<Point, "x">,
  atX: (value: number) => number,
  y: number,
  colour: string,
): string {
  const whisker = `<path d="M${n(atX(min))} ${y}H${n(atX(max))}" stroke="${colour}" stroke-width="5" opacity="0.22" stroke-linecap="round"/>`;
  return `${whisker}${shape(which, atX(median), y, colour)}`;
}

/** A disc, a ring, a stroke: told apart without colour. */
function shape(which: number, x: number, y: number, colour: string): string {
  if (which === 0) return `<circle cx="${n(x)}" cy="${y}" r="5" fill="${colour}"/>`;
  if (which === 1) return `<circle cx="${n(x)}" cy="${y}" r="5" fill="${ground}" stroke="${colour}" stroke-width="2"/>`;
  return `<path d="M${n(x)} ${y - 7}V${y + 7}" stroke="${colour}" stroke-width="2.5"/>`;
}

function frame(chart: Chart, height: number, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" ${font}>`,
    `<title>${escaped(chart.title)}</title>`,
    `<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8" fill="${ground}" stroke="${grid}"/>`,
    text(24, 34, chart.title, ink, "start", 600, 17),
    text(24, 56, chart.subtitle, faint),
    ...parts,
    "</svg>\n",
  ].join("\n");
}

function text(x: number, y: number, words: string, colour: string, anchor = "start", weight = 400, size = 13): string {
  return `<text x="${n(x)}" y="${n(y)}" fill="${colour}" text-anchor="${anchor}" font-weight="${weight}" font-size="${size}">${escaped(words)}</text>`;
}

/** How much room the longest of some labels needs. */
function widest(labels: readonly string[]): number {
  return Math.max(0, ...labels.map((label) => label.length * letterWidth));
}

function colours(names: readonly string[]): (name: string) => string {
  const ours = names.filter(isOurs);
  const others = names.filter((name) => !isOurs(name));
  return (name) =>
    (isOurs(name)
      ? oursColours[ours.indexOf(name) % oursColours.length]
      : otherColours[others.indexOf(name) % otherColours.length]) ?? ink;
}

function isOurs(name: string): boolean {
  return /after-?response/i.test(name);
}

function n(value: number): string {
  return value.toFixed(1);
}

function escaped(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

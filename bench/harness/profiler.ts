// Where the main thread spends its time during something: V8's CPU profiler, its samples summed by function.

import inspector, { type Profiler } from "node:inspector";
import { findSourceMap } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

export interface ProfileLine {
  readonly name: string;
  /** The file and line, by the source map where there is one. */
  readonly where: string;
  /** Time in the function itself, without what it called. */
  readonly selfMs: number;
}

/** Starts the profiler; the function returned stops it. The longest self times come first; idle time is left out. */
export function startProfiler(): () => Promise<ProfileLine[]> {
  const session = new inspector.Session();
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.setSamplingInterval", { interval: 100 });
  session.post("Profiler.start");
  return async () => {
    const profile = await new Promise<Profiler.Profile>((resolve, reject) => {
      session.post("Profiler.stop", (error, result) => (error ? reject(error) : resolve(result.profile)));
    });
    session.disconnect();
    return sum(profile);
  };
}

function sum({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): ProfileLine[] {
  const byNode = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const lines = new Map<string, ProfileLine>();
  samples.forEach((id, index) => {
    const frame = byNode.get(id);
    if (frame === undefined || frame.functionName === "(idle)") return;
    const where = place(frame.url, frame.lineNumber, frame.columnNumber);
    const name = frame.functionName || "(anonymous)";
    const selfMs = (lines.get(name + where)?.selfMs ?? 0) + (timeDeltas[index] ?? 0) / 1_000;
    lines.set(name + where, { name, where, selfMs });
  });
  return [...lines.values()].sort((a, b) => b.selfMs - a.selfMs);
}

/** The place in the sources, by the source map where there is one. */
function place(url: string, line: number, column: number): string {
  if (!url.startsWith("file:")) return url;
  const map = findSourceMap(url);
  const entry: object = map?.findEntry(line, column) ?? {};
  const source: unknown = Reflect.get(entry, "originalSource");
  return typeof source === "string"
    ? `${relative(source)}:${Number(Reflect.get(entry, "originalLine")) + 1}`
    : `${relative(url)}:${line + 1}`;
}

function relative(url: string): string {
  return path.relative(process.cwd(), url.startsWith("file:") ? fileURLToPath(url) : url);
}

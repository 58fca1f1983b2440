// What the records of requests say, by route.
import { readFile } from "node:fs/promises";

export interface RouteSummary {
  requests: number;
  failed: number;
  aborted: number;
  medianMs: number;
  slowestMs: number;
}

interface RequestRecord {
  method: string;
  route: string;
  statusCode: number;
  kind: "completed" | "aborted";
  durationMs: number;
}

export async function summarize({ file }: { file: string }): Promise<Record<string, RouteSummary>> {
  const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
  const byRoute = new Map<string, RequestRecord[]>();
  for (const line of lines) {
    const record: RequestRecord = JSON.parse(line);
    const name = `${record.method} ${record.route}`;
    const records = byRoute.get(name);
    if (records === undefined) byRoute.set(name, [record]);
    else records.push(record);
  }
  return Object.fromEntries([...byRoute].map(([name, records]) => [name, summaryOf(records)]));
}

function summaryOf(records: readonly RequestRecord[]): RouteSummary {
  const times = records.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
  return {
    requests: records.length,
    failed: records.filter(({ statusCode }) => statusCode >= 500).length,
    aborted: records.filter(({ kind }) => kind === "aborted").length,
    medianMs: times[Math.floor(times.length / 2)] ?? 0,
    slowestMs: times.at(-1) ?? 0,
  };
}

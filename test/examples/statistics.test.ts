// The statistics server: every request is recorded once its response is over, whatever became of it.
import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { beforeEach, expect, it } from "vitest";
import { makeDirectory } from "../support/directory.js";
import { startProgram } from "../support/process.js";
import { until } from "../support/until.js";

let folder: string;

beforeEach(() => {
  folder = makeDirectory("statistics");
});

it("times each request and records it after the response, the last one before the process ends", async () => {
  const file = path.join(folder, "requests.ndjson");
  const before = Date.now();
  const program = await startProgram("examples/statistics/main.ts", {
    env: { PORT: "0", REQUESTS_FILE: file, NODE_ENV: "test" },
  });
  const get = async (url: string): Promise<Response> => {
    const response = await fetch(program.url + url);
    await response.clone().text();
    return response;
  };
  for (const name of ["cat", "dog"]) expect((await get(`/photos/${name}`)).status).toBe(200);
  expect((await get("/broken")).status).toBe(500);
  expect((await get("/nowhere")).status).toBe(404);
  await until(() => existsSync(file) && readFileSync(file, "utf8").split("\n").length > 4, "four records");
  const summary: unknown = await (await get("/statistics")).json();
  program.kill("SIGTERM");
  expect(await program.exited).toMatchObject({ code: 0 });

  const records = await recordsIn(file);
  expect(records.map(({ route, statusCode }) => `${route} ${statusCode}`).sort()).toEqual([
    "/broken 500",
    "/photos/:name 200",
    "/photos/:name 200",
    "/statistics 200",
    "none 404",
  ]);
  for (const { method, kind, startedAt, endedAt, durationMs } of records) {
    expect({ method, kind }).toEqual({ method: "GET", kind: "completed" });
    expect(startedAt).toBeGreaterThanOrEqual(before);
    expect(durationMs).toBeGreaterThan(0);
    expect(endedAt - startedAt).toBeCloseTo(durationMs);
  }
  expect(summary).toMatchObject({
    "GET /photos/:name": { requests: 2, failed: 0, aborted: 0 },
    "GET /broken": { requests: 1, failed: 1, aborted: 0 },
  });
});

interface RequestRecord {
  readonly method: string;
  readonly route: string;
  readonly statusCode: number;
  readonly kind: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly durationMs: number;
}

async function recordsIn(file: string): Promise<RequestRecord[]> {
  const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line));
}

// The parts of programs in README.md and docs/ compile: blocks of code that are no file of their own.
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { documents, writeDocuments } from "./documents.js";

const compiler = path.join(import.meta.dirname, "../../node_modules/typescript/bin/tsc");
/** Pages whose blocks are held elsewhere: by the files of test/stacks, or they are code for other libraries. */
const others = ["bundlers", "coming-from", "frameworks"];
const compilerOptions = {
  module: "NodeNext",
  target: "ES2023",
  strict: true,
  skipLibCheck: true,
  noEmit: true,
  types: ["node", "vitest/globals"],
};

/** What the blocks use and do not declare. */
const surroundings = `
import type { Server } from "node:http";
import type { PushMetricExporter } from "@opentelemetry/sdk-metrics";
import type * as express from "express";
import type * as library from "offload-after-response";
import type * as page from "offload-after-response/dashboard";

interface Tasks {
  optimizeImage(payload: { key: string }): void;
  resize(payload: { width: number }): void;
}
declare global {
  interface Mail { template: string }
  interface Pages { done: number }
  const app: express.Express;
  const res: express.Response;
  const isAdmin: (req: object) => boolean;
  const post: (path: string) => Promise<void>;
  const key: string;
  const id: string;
  const offloader: library.Offloader<Tasks>;
  const createOffloader: typeof library.createOffloader;
  const tasks: Tasks;
  const payload: { key: string };
  const options: library.DispatchOptions;
  const offloadAfterResponse: typeof offloader.offloadAfterResponse;
  const runAfterResponse: typeof offloader.runAfterResponse;
  const offload: typeof offloader.offload;
  const run: typeof offloader.run;
  const OffloadError: typeof library.OffloadError;
  const dashboard: typeof page.dashboard;
  const shutdown: ReturnType<typeof offloader.shutdownOnSignals>;
  const server: Server;
  const publicServer: Server;
  const adminServer: Server;
  const webSocketServer: { clients: Iterable<{ close(code: number): void }> };
  const database: { query(sql: string, values: unknown[]): Promise<void>; end(): Promise<void>; close(): Promise<void> };
  const metrics: { increment(name: string, tags: object): void };
  const logger: { error(fields: object, message: string): void };
  const exporter: PushMetricExporter;
}
`;

it("the parts of programs in the documents compile", async () => {
  const readme = await readFile(path.join(import.meta.dirname, "../../README.md"), "utf8");
  const files = [...(await documents()), ["README", readme] as const]
    .filter(([page]) => !others.includes(page))
    .flatMap(([page, text]) => fragments(text).map((code, index) => ({ name: `${page}-${index}.ts`, text: code })));
  expect(files.length).toBeGreaterThan(10);
  const all = [...files, { name: "surroundings.ts", text: surroundings }];
  const { directory, remove } = await writeDocuments(new Map([["fragments", all]]));
  try {
    await writeFile(path.join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["fragments"] }));
    const run = promisify(execFile)(process.execPath, [compiler, "-p", "tsconfig.json"], { cwd: directory });
    const { stdout } = await run.catch((error: { stdout: string }) => error);
    expect(stdout).toBe("");
  } finally {
    await remove();
  }
});

/** The blocks of a page that are no file, each as a module: its imports, then the rest in a function. */
function fragments(markdown: string): string[] {
  const blocks = markdown.matchAll(/^```[jt]s\n(?!\/\/ \S+\.[jt]s\n)([\s\S]*?)^```$/gm);
  return [...blocks].map(([, block = ""]) => {
    const lines = block.split("\n").map((line) => line.replace(/^export /, ""));
    const [imports, body] = [true, false].map((wanted) =>
      lines.filter((line) => line.startsWith("import ") === wanted),
    );
    return [...(imports ?? []), "export async function fragment() {", ...(body ?? []), "}"].join("\n");
  });
}

// The lines of docs/observability.md that serve the metrics in frameworks that answer by a value, each in its framework.
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import fastify from "fastify";
import { Hono } from "hono";
import Koa from "koa";
import { type PrometheusHandler, prometheus } from "offload-after-response/prometheus";
import { describe, expect, it, onTestFinished } from "vitest";
import { documents } from "../docs/documents.js";
import { watch } from "../support/offloader.js";

/** Runs a line of the page with these names. */
function run(line: string, names: Readonly<Record<string, unknown>>): void {
  new Function(...Object.keys(names), line)(...Object.values(names));
}

const starts: Readonly<Record<string, (line: string, metrics: PrometheusHandler) => Promise<string>>> = {
  async Fastify(line, metrics) {
    const app = fastify();
    onTestFinished(() => app.close());
    run(line, { app, metrics });
    return await app.listen({ host: "127.0.0.1", port: 0 });
  },
  async Koa(line, metrics) {
    const app = new Koa();
    app.use((ctx) => run(line, { ctx, metrics }));
    return await listening(app.callback());
  },
  async Hono(line, metrics) {
    const app = new Hono();
    run(line, { app, metrics });
    return await listening(getRequestListener(app.fetch));
  },
};

async function listening(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const page = (await documents()).get("observability") ?? "";

describe("the line of the page", () => {
  const rows = [...page.matchAll(/^\| (Fastify|Koa|Hono) \| `(.+)` \|$/gm)];
  const lines = rows.map(([, framework = "", line = ""]) => ({ framework, line }));

  it("is there for each of them", () => {
    expect(lines.map(({ framework }) => framework)).toEqual(Object.keys(starts));
  });

  it.each(lines)("serves the metrics in $framework", async ({ framework, line }) => {
    const { offloader } = watch("tasks.mjs", { pool: { minThreads: 0 } });
    const metrics = prometheus(offloader);
    const origin = await starts[framework]?.(line, metrics);
    const answer = await fetch(`${origin}/metrics`);
    expect(answer.headers.get("content-type")).toBe(metrics.contentType);
    expect(await answer.text()).toContain('after_response_threads_limit{offloader="offloader"}');
  });
});

// The page in every framework, mounted by the very line of docs/dashboard.md.
import "reflect-metadata";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http, { type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { createAdaptorServer } from "@hono/node-server";
import { NestFactory } from "@nestjs/core";
import { FastifyAdapter } from "@nestjs/platform-fastify";
import express from "express";
import express4 from "express4";
import fastify from "fastify";
import { Hono } from "hono";
import Koa from "koa";
import { type DashboardHandler, dashboard } from "offload-after-response/dashboard";
import { describe, expect, it, onTestFinished } from "vitest";
import { afterThisTest } from "../support/http.js";
import { watch } from "../support/offloader.js";
import { clientOf, Reader } from "./mounted.js";

const document = readFileSync(path.join(import.meta.dirname, "../../docs/dashboard.md"), "utf8");

/** The line of the document for a framework, as a function of what it uses. */
function lineFor(framework: string): (names: Readonly<Record<string, unknown>>) => unknown {
  const line = document.match(new RegExp(`^\\| ${framework} \\| \`(.+);\` \\|$`, "m"))?.[1];
  if (line === undefined) throw new Error(`docs/dashboard.md has no line for ${framework}`);
  return (names) => new Function(...Object.keys(names), `return ${line}`)(...Object.values(names));
}

const inExpress = lineFor("Express 4 and 5, Connect");
const inNest = lineFor("NestJS, on Express or Fastify");

type Start = (page: unknown) => Server | Promise<Server>;

const frameworks: readonly (readonly [string, Start])[] = [
  [
    "Express 5",
    (page) => {
      const app = express();
      inExpress({ app, page });
      return http.createServer(app);
    },
  ],
  [
    "Express 5 behind body parsers",
    (page) => {
      const app = express();
      app.use(express.json(), express.urlencoded({ extended: true }), express.text({ type: "*/*" }), express.raw());
      inExpress({ app, page });
      return http.createServer(app);
    },
  ],
  [
    "Express 4 behind body parsers",
    (page) => {
      const app = express4();
      app.use(express4.json(), express4.urlencoded({ extended: true }));
      inExpress({ app, page });
      return http.createServer(app);
    },
  ],
  [
    "Fastify",
    async (page) => {
      const app = fastify();
      lineFor("Fastify")({ app, page });
      await app.ready();
      onTestFinished(() => void app.close());
      return app.server;
    },
  ],
  [
    "Koa",
    (page) => {
      const app = new Koa();
      lineFor("Koa")({ app, page });
      return http.createServer(app.callback());
    },
  ],
  [
    "Hono",
    (page) => {
      const app = new Hono();
      lineFor("Hono on `@hono/node-server`")({ app, page });
      return createAdaptorServer({ fetch: app.fetch }) as Server;
    },
  ],
  [
    "NestJS on Express",
    async (page) => {
      const app = await NestFactory.create({ module: class App {} }, { logger: ["error"] });
      inNest({ app, page });
      await app.init();
      return app.getHttpServer();
    },
  ],
  [
    "NestJS on Fastify",
    async (page) => {
      const app = await NestFactory.create({ module: class App {} }, new FastifyAdapter(), { logger: ["error"] });
      inNest({ app, page });
      await app.init();
      await app.getHttpAdapter().getInstance().ready();
      return app.getHttpServer();
    },
  ],
  [
    "node:http",
    (page) => {
      const answer: RequestListener = (_req, res) => res.writeHead(404).end("none of ours");
      return lineFor("`node:http`")({ http, page, answer }) as Server;
    },
  ],
];

describe.each(frameworks)("in %s the page", (name, start) => {
  it("is served, told of what happens, and obeyed", async () => {
    const { offloader } = watch("tasks.mjs", { pool: { maxThreads: 1 } });
    const server = await start(dashboard(offloader, { access: () => "full" }));
    const port = await listening(server);
    const { get, act } = clientOf(port);

    expect(await get("")).toMatchObject({ status: 200, headers: { "content-type": "text/html; charset=utf-8" } });
    expect(await get("app.js")).toMatchObject({
      status: 200,
      headers: { "content-type": "text/javascript; charset=utf-8" },
    });
    const without = await get("/admin/tasks");
    if (!["Fastify", "Koa", "node:http"].includes(name)) {
      expect(without).toMatchObject({ status: 302, headers: { location: "./tasks/" } });
    }

    const reader = await Reader.open(port);
    expect(await reader.event("hello")).toMatchObject({ name: "offloader", access: "full" });
    expect(await act("do=pause")).toMatchObject({ status: 200, text: '{"done":1}' });
    await reader.event("state", ({ paused }) => paused === true);
    const handle = offloader.offload("add", { a: 1, b: 2 });
    expect(JSON.parse((await get(`task?id=${handle.id}`)).text)).toMatchObject({ id: handle.id, state: "queued" });
    expect(await act(`do=cancel&id=${handle.id}`)).toMatchObject({ status: 200, text: '{"done":1}' });
    expect(handle.state).toBe("cancelled");
    expect((await act("do=resume")).status).toBe(200);
    expect((await act("do=cancel")).status).toBe(400);
    await offloader.run("add", { a: 1, b: 2 });
    await reader.event("state", ({ ended }) => ended === 2);
    reader.close();
  });
});

it("is a handler by the types of each, and access has to be decided for the compiler too", () => {
  // The same lines, which are compiled and never called.
  const compiles = (page: DashboardHandler): void => {
    express().use("/admin/tasks", page);
    express4().use("/admin/tasks", page);
    fastify().all("/admin/tasks/*", page);
    new Koa().use((ctx, next) => (ctx.path.startsWith("/admin/tasks/") ? page(ctx) : next()));
    new Hono().all("/admin/tasks/*", page);
    http.createServer((req, res) => (req.url?.startsWith("/admin/tasks/") ? page(req, res) : res.end()));
    const { offloader } = watch();
    dashboard(offloader, { access: (req: express.Request) => (req.get("x") ? "full" : false) });
    dashboard(offloader, { access: async (req) => (req.headers.cookie === "a" ? "read" : false) });
    // @ts-expect-error: nobody decided who may see it
    dashboard(offloader, {});
    // @ts-expect-error: `true` says nothing of what somebody may do
    dashboard(offloader, { access: () => true });
  };
  expect(compiles).toBeTypeOf("function");
});

async function listening(server: Server): Promise<number> {
  afterThisTest(() => {
    server.closeAllConnections();
    server.close();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

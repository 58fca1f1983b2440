// One face for all servers: a scenario answers a call, and each adapter does what its framework's users do.
import "reflect-metadata";
import { once } from "node:events";
import http, { type IncomingMessage, type Server, type ServerResponse } from "node:http";
import http2, { type Http2Server, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { createAdaptorServer, type HttpBindings } from "@hono/node-server";
import { All, Controller, Module, Req, Res } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { ExpressAdapter } from "@nestjs/platform-express";
import { FastifyAdapter, type NestFastifyApplication } from "@nestjs/platform-fastify";
import express, { type Express } from "express";
import express4 from "express4";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { Hono } from "hono";
import type { ContentfulStatusCode, RedirectStatusCode } from "hono/utils/http-status";
import Koa from "koa";
import type { EachContextMiddleware, EachResponseMiddleware, ResponseLike } from "offload-after-response";

/** A request that is being handled. */
export interface Call {
  /** What the framework's users have in hand, and pass to the library. */
  readonly res: ResponseLike;
  /** Node's own response behind it. */
  readonly raw: ServerResponse | Http2ServerResponse;
  /** The request in the framework's form, which is a mistake to pass. */
  readonly req: unknown;
  readonly url: string;
  body(): Promise<string>;
}

export interface Answer {
  readonly status: number;
  readonly body?: string | Buffer | Readable;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Handle = (call: Call) => Promise<Answer>;

/** The middleware of `afterEachResponse()` and of `afterEachContext()`. */
export interface Each {
  readonly response: EachResponseMiddleware<unknown, ResponseLike>;
  readonly context: EachContextMiddleware<ResponseLike>;
}

export interface Adapter {
  readonly name: string;
  readonly protocol: "http1" | "http2";
  create(handle: Handle, each: Each): Promise<Server | Http2Server>;
}

export interface Running {
  readonly port: number;
  readonly server: Server | Http2Server;
  close(): Promise<void>;
}

export async function start(adapter: Adapter, handle: Handle, each: Each): Promise<Running> {
  const server = await adapter.create(handle, each);
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    server,
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

type NodeRequest = IncomingMessage | Http2ServerRequest;
type NodeResponse = ServerResponse | Http2ServerResponse;

/** The call of those frameworks whose users hold Node's own objects. */
function nodeCall(req: NodeRequest, res: NodeResponse): Call {
  return { res, raw: res, req, url: req.url ?? "", body: () => text(req) };
}

/** The answer of those, who write it themselves. */
async function write(res: NodeResponse, { status, body, headers = {} }: Answer): Promise<void> {
  res.statusCode = status;
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  // A body that the client does not wait for ends in an error here, which the handler has no use for.
  if (body instanceof Readable) await pipeline(body, res as ServerResponse).catch(() => {});
  else (res as ServerResponse).end(body);
}

function onExpress(app: Express, handle: Handle, each: Each): Server {
  app.use(each.response);
  app.use((req, res, next) => {
    handle(nodeCall(req, res)).then((answer) => write(res, answer), next);
  });
  return http.createServer(app);
}

async function onNode(handle: Handle, each: Each, req: NodeRequest, res: NodeResponse): Promise<void> {
  each.response(req, res, () => {});
  try {
    await write(res, await handle(nodeCall(req, res)));
  } catch {
    await write(res, { status: 500, body: "failed" });
  }
}

const bare: Adapter = {
  name: "node:http",
  protocol: "http1",
  create: async (handle, each) => http.createServer((req, res) => void onNode(handle, each, req, res)),
};

const bareHttp2: Adapter = {
  name: "node:http2",
  protocol: "http2",
  create: async (handle, each) => http2.createServer((req, res) => void onNode(handle, each, req, res)),
};

const expressFour: Adapter = {
  name: "Express 4",
  protocol: "http1",
  create: async (handle, each) => onExpress(express4() as unknown as Express, handle, each),
};

const expressFive: Adapter = {
  name: "Express 5",
  protocol: "http1",
  create: async (handle, each) => onExpress(express(), handle, each),
};

/** What Fastify's users set up beside their routes. */
function prepareFastify(app: FastifyInstance, each: Each): void {
  app.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
  app.addHook("onRequest", each.response);
}

async function answerOnFastify(request: FastifyRequest, reply: FastifyReply, handle: Handle): Promise<void> {
  const call = {
    res: reply,
    raw: reply.raw,
    req: request,
    url: request.url,
    body: () => text(request.body as Readable),
  };
  const { status, body, headers = {} } = await handle(call);
  await reply.code(status).headers(headers).send(body);
}

const onFastify: Adapter = {
  name: "Fastify",
  protocol: "http1",
  async create(handle, each) {
    const app = fastify({ exposeHeadRoutes: false });
    prepareFastify(app, each);
    app.all("*", (request, reply) => answerOnFastify(request, reply, handle));
    await app.ready();
    return app.server;
  },
};

const onKoa: Adapter = {
  name: "Koa",
  protocol: "http1",
  async create(handle, each) {
    const app = new Koa();
    app.silent = true;
    app.use(each.context);
    app.use(async (context) => {
      const {
        status,
        body,
        headers = {},
      } = await handle({
        res: context,
        raw: context.res,
        req: context.req,
        url: context.url,
        body: () => text(context.req),
      });
      context.status = status;
      context.set(headers);
      context.body = body ?? null;
      context.status = status;
    });
    return http.createServer(app.callback());
  },
};

const onHono: Adapter = {
  name: "Hono on node-server",
  protocol: "http1",
  async create(handle, each) {
    // Without `Bindings`, as most applications write it: the type of the context says nothing of node-server then.
    const app = new Hono();
    app.onError((_error, context) => context.text("failed", 500));
    app.use(each.context);
    app.all("*", async (context) => {
      const { status, body, headers } = await handle({
        res: context,
        raw: (context.env as HttpBindings).outgoing as ServerResponse,
        req: context.req.raw,
        url: context.req.path,
        body: () => context.req.text(),
      });
      if (body === undefined) return context.body(null, status as RedirectStatusCode, { ...headers });
      const content =
        body instanceof Readable ? (Readable.toWeb(body) as ReadableStream) : new Uint8Array(Buffer.from(body));
      return context.body(content, status as ContentfulStatusCode, { ...headers });
    });
    return createAdaptorServer({ fetch: app.fetch }) as Server;
  },
};

/** What the decorators do, written as calls: the compiler of the tests emits no metadata for them. */
function nestModule(paths: string[], all: (req: unknown, res: unknown) => Promise<void>): object {
  class Calls {
    async all(req: unknown, res: unknown): Promise<void> {
      await all(req, res);
    }
  }
  class App {}
  Req()(Calls.prototype, "all", 0);
  Res()(Calls.prototype, "all", 1);
  All(paths)(Calls.prototype, "all", Object.getOwnPropertyDescriptor(Calls.prototype, "all") as PropertyDescriptor);
  Controller()(Calls);
  Module({ controllers: [Calls] })(App);
  return App;
}

const onNest: Adapter = {
  name: "NestJS on Express",
  protocol: "http1",
  async create(handle, each) {
    const module = nestModule(["/", "*path"], async (req, res) => {
      const response = res as ServerResponse;
      await write(response, await handle(nodeCall(req as IncomingMessage, response)));
    });
    const app = await NestFactory.create(module, new ExpressAdapter(), { logger: false });
    app.use(each.response);
    await app.init();
    return app.getHttpServer();
  },
};

const onNestFastify: Adapter = {
  name: "NestJS on Fastify",
  protocol: "http1",
  async create(handle, each) {
    const module = nestModule(["*"], (req, res) => answerOnFastify(req as FastifyRequest, res as FastifyReply, handle));
    const adapter = new FastifyAdapter({ exposeHeadRoutes: false });
    const app = await NestFactory.create<NestFastifyApplication>(module, adapter, { logger: false, bodyParser: false });
    prepareFastify(adapter.getInstance() as unknown as FastifyInstance, each);
    await app.init();
    await adapter.getInstance().ready();
    return app.getHttpServer();
  },
};

export const adapters: readonly Adapter[] = [
  bare,
  bareHttp2,
  expressFour,
  expressFive,
  onFastify,
  onKoa,
  onHono,
  onNest,
  onNestFastify,
];

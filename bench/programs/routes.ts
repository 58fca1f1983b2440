// The smallest route of node:http, Fastify or Express, whose requests leave a task without work in one of the ways that there are.
import { once } from "node:events";
import http, { type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Worker } from "node:worker_threads";
import express from "express";
import fastify from "fastify";
import { createOffloader } from "offload-after-response";
import { answer } from "../harness/answer.js";
import { meterCommands } from "../harness/meter.js";
import { tasksByHand } from "../task-by-hand.mjs";
import type * as tasks from "../threads/tasks.js";

export type Framework = "node:http" | "Fastify" | "Express";

/** What a handler does before it answers. */
export type Way =
  | "none"
  | "tracking only"
  | "offloadAfterResponse(res)"
  | "offloadAfterResponse without res"
  | "runAfterResponse"
  | "offload"
  | "a task by hand"
  | "a bare Worker, a message a turn";

type Leave = (res: ServerResponse, n: number) => void;

export interface RouteOrder {
  readonly framework: Framework;
  readonly way: Way;
}

const key = "photos/2024/05/17.jpg";
// All answers have one length: bench/programs/closed-load.ts counts bytes.
const body = JSON.stringify({ key });
const json = "application/json; charset=utf-8";

const servers: Readonly<Record<Framework, (leave: Leave) => Promise<number>>> = {
  async "node:http"(leave) {
    let n = 0;
    const server = http.createServer((_req, res) => {
      leave(res, n++);
      res.writeHead(202, { "Content-Type": json, "Content-Length": body.length }).end(body);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  },
  async Fastify(leave) {
    let n = 0;
    const app = fastify();
    app.post("/photos", (_request, reply) => {
      leave(reply.raw, n++);
      reply.code(202).send({ key });
    });
    await app.listen({ host: "127.0.0.1", port: 0 });
    return (app.server.address() as AddressInfo).port;
  },
  async Express(leave) {
    let n = 0;
    const app = express();
    app.post("/photos", (_req, res) => {
      leave(res, n++);
      res.status(202).json({ key });
    });
    const server = app.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  },
};

answer({
  /** Resolves to the port. */
  async open({ framework, way }: RouteOrder): Promise<number> {
    return servers[framework](await leaver(way));
  },
  ...meterCommands(),
});

async function leaver(way: Way): Promise<Leave> {
  if (way === "none") return () => {};
  if (way === "a bare Worker, a message a turn") return rawMessages();
  if (way === "a task by hand") return (await tasksByHand(key)).leave;
  const { offload, offloadAfterResponse, runAfterResponse, ready } = createOffloader<typeof tasks>({
    tasks: new URL("../threads/tasks.js", import.meta.url),
    pool: { minThreads: 1, maxThreads: 1 },
    logger: false,
  });
  await ready();
  switch (way) {
    case "tracking only":
      return () => {};
    case "offloadAfterResponse(res)":
      return (res, n) => void offloadAfterResponse(res, "tiny", { n, key });
    case "offloadAfterResponse without res":
      return (_res, n) => void offloadAfterResponse("tiny", { n, key });
    case "runAfterResponse":
      return () => void runAfterResponse(() => {});
    case "offload":
      return (_res, n) => void offload("tiny", { n, key });
  }
}

/** The floor of work on a thread: nothing is counted, limited, drained, retried or reported. */
async function rawMessages(): Promise<Leave> {
  const worker = new Worker(new URL("../threads/raw.js", import.meta.url));
  await once(worker, "online");
  worker.on("message", () => {});
  let payloads: object[] = [];
  const flush = () => {
    worker.postMessage({ names: payloads.map(() => "tiny"), payloads });
    payloads = [];
  };
  return (res, n) => {
    res.once("finish", () => void (payloads.push({ n, key }) === 1 && setImmediate(flush)));
  };
}

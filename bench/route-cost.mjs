// What a task costs the main thread of a route, over connections in memory: without sockets, a client and the kernel between them,
// the noise is a few us and not tens. CPU time of the main thread for each request, in rounds that are interleaved. What disturbs a round
// only ever adds to its CPU time, and processes with the same program are not equally fast, so the least of all rounds of several
// starts counts.
//
//   node bench/route-cost.mjs [starts] [rounds]
import { AsyncLocalStorage } from "node:async_hooks";
import { fork } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import http from "node:http";
import { setImmediate as turn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import express from "express";
import fastify from "fastify";
import { createOffloader } from "offload-after-response";
import { mainThreadUs } from "./cpu-time.mjs";
import { MemoryConnection } from "./memory-connection.mjs";
import { tasksByHand } from "./task-by-hand.mjs";

const frameworks = ["node:http", "Fastify", "Express"];
const ways = [
  "none",
  "a bare context",
  "tracking only",
  "a bare message",
  "a task by hand",
  "offloadAfterResponse(res)",
];
const connections = 20;
// So many that the garbage of a round is collected in it.
const turns = 100;
// V8 goes on to optimise for some 20 of them. A request of Express takes ten times as long, and what is wanted is a part of it.
const rounds = Number(process.argv[3] ?? 30);
const roundsOf = (framework) => (framework === "Express" ? Math.ceil(rounds / 3) : rounds);
const key = "photos/2024/05/17.jpg";
const body = JSON.stringify({ key });
const request = Buffer.from("POST /photos HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n\r\n");

// On Node.js 24 an async context costs little; on 20 it is most of the price of tracking.
const isOld = Number.parseInt(process.versions.node, 10) < 24;
const bars = { tracking: isOld ? 1.2 : 0.1, overMessage: isOld ? 2.5 : 1.5, expressOnOld: 1.3 };

let served = 0;

if (process.send !== undefined) await measure(...process.argv.slice(-2));
// In one start of two, a process without the library stays 3 us slower on Node.js 20: objects of Node's ticks miss their fast path.
else await compare(Number(process.argv[2] ?? 4));

async function compare(starts) {
  console.log(
    `Node ${process.version}, the least of ${rounds} rounds (Express: ${roundsOf("Express")}) of ${connections * turns} requests in each of ${starts} starts`,
  );
  console.log("CPU time of the main thread\n");
  const results = [];
  for (const framework of frameworks) {
    const [none, ...others] = await leastCosts(framework, starts);
    const [context, tracking, message, byHand, ours] = others;
    const more = others.map((us, index) => `${ways[index + 1]} ${(us - none).toFixed(2)}`);
    console.log(`${framework.padEnd(10)} ${none.toFixed(2)} us a request; more: ${more.join(", ")}`);
    if (framework === "node:http") {
      const floors = [context - none, byHand - message].map((us) => us.toFixed(2));
      results.push(["us of tracking, node:http", tracking - none, bars.tracking, `a bare context: ${floors[0]}`]);
      results.push([
        "us of a task more than a bare message, node:http",
        ours - message,
        bars.overMessage,
        `a task by hand: ${floors[1]}`,
      ]);
    }
    if (framework === "Express" && isOld)
      results.push(["a request with a task over one with a bare message, Express", ours / message, bars.expressOnOld]);
  }
  console.log();
  for (const [text, measured, bound, floor] of results) {
    const ofFloor = floor === undefined ? "" : `; ${floor}`;
    console.log(
      `${measured <= bound ? "met    " : "NOT met"} ${text}: ${measured.toFixed(2)} (bar: ${bound}${ofFloor})`,
    );
  }
}

/** us of each way. */
async function leastCosts(framework, starts) {
  const all = [];
  for (let start = 0; start < starts; start++) all.push(await costsOf(framework));
  return ways.map((_way, index) => Math.min(...all.map((costs) => costs[index])));
}

async function costsOf(framework) {
  const children = ways.map((way) => fork(import.meta.filename, [framework, way]));
  await Promise.all(children.map((child) => once(child, "message")));
  const costs = ways.map(() => []);
  for (let round = 0; round < roundsOf(framework); round++) {
    for (const index of round % 2 === 0 ? ways.keys() : [...ways.keys()].reverse()) {
      children[index].send("round");
      const [cost] = await once(children[index], "message");
      costs[index].push(cost);
    }
  }
  for (const child of children) child.disconnect();
  return costs.map((each) => Math.min(...each));
}

async function measure(framework, way) {
  const { leave, settled, close } = await leaving(way);
  const server = await serve(framework, leave);
  const clients = Array.from({ length: connections }, () => new MemoryConnection());
  for (const client of clients) server.emit("connection", client);
  process.on("message", async () => process.send(await usPerRequest()));
  process.once("disconnect", async () => {
    await close();
    process.exit();
  });
  process.send("ready");

  async function usPerRequest() {
    served = 0;
    const from = mainThreadUs();
    for (let count = 0; count < turns; count++) {
      for (const client of clients) client.push(request);
      await turn();
      await turn();
    }
    if (served !== turns * connections) throw new Error(`${served} requests were handled in time`);
    await settled();
    return (mainThreadUs() - from) / (turns * connections);
  }
}

/** What a handler does, and when all of it is done. */
async function leaving(way) {
  if (way === "none") return { leave() {}, async settled() {}, async close() {} };
  if (way === "a bare context") return bareContexts();
  if (way === "a bare message") return bareMessages();
  if (way === "a task by hand") return tasksByHand(key);
  const offloader = createOffloader({
    tasks: new URL("engine/tasks.mjs", import.meta.url),
    pool: { minThreads: 1, maxThreads: 1 },
    logger: false,
  });
  await offloader.ready();
  const leave =
    way === "tracking only" ? () => {} : (res, n) => void offloader.offloadAfterResponse(res, "nothing", { n, key });
  return { leave, settled: () => offloader.idle(), close: () => offloader.close() };
}

/** Each request gets an async context, and nothing is done with it. */
function bareContexts() {
  const storage = new AsyncLocalStorage();
  subscribe("http.server.request.start", ({ response }) => storage.enterWith(response));
  return { leave() {}, async settled() {}, async close() {} };
}

/** One message for all requests of a turn, when their responses are over. Nothing is counted, limited, drained or reported. */
async function bareMessages() {
  const code =
    'const { parentPort } = require("node:worker_threads"); parentPort.on("message", (all) => parentPort.postMessage(all.length));';
  const thread = new Worker(code, { eval: true });
  await once(thread, "online");
  let payloads = [];
  let left = 0;
  let done = () => {};
  thread.on("message", (count) => {
    left -= count;
    if (left === 0) done();
  });
  const flush = () => {
    thread.postMessage(payloads);
    payloads = [];
  };
  return {
    leave(res, n) {
      left++;
      res.once("finish", () => {
        if (payloads.push({ n, key }) === 1) setImmediate(flush);
      });
    },
    settled: () =>
      left === 0
        ? undefined
        : new Promise((resolve) => {
            done = resolve;
          }),
    close: () => thread.terminate(),
  };
}

async function serve(framework, leave) {
  if (framework === "node:http") {
    return http.createServer((_req, res) => {
      leave(res, served++);
      res.writeHead(202, { "Content-Type": "application/json", "Content-Length": body.length }).end(body);
    });
  }
  if (framework === "Fastify") {
    const app = fastify();
    app.post("/photos", (_request, reply) => {
      leave(reply.raw, served++);
      reply.code(202).send({ key });
    });
    await app.ready();
    return app.server;
  }
  const app = express();
  app.post("/photos", (_req, res) => {
    leave(res, served++);
    res.status(202).json({ key });
  });
  return http.createServer(app);
}

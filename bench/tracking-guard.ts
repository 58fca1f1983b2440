// Counts what tracking adds to a request that leaves no task: bytes allocated, async contexts entered, each of which costs a Map on
// Node.js 24 and newer, and objects whose `emit` is replaced, which makes each of their events dearer. Prints them as one line of JSON; test/bench/ says what they may be. The requests come over
// connections in memory, so that nothing but Node's HTTP and the library runs. Run with a large young generation, as bench/guard.ts.
import { AsyncLocalStorage } from "node:async_hooks";
import http from "node:http";
import { PerformanceObserver } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { createOffloader } from "offload-after-response";
import { MemoryConnection } from "./memory-connection.mjs";

/** Of one request, on top of one that is not tracked. */
export interface TrackingCounts {
  readonly bytes: number;
  readonly contexts: number;
  /** Requests and responses that got an `emit` of their own. */
  readonly overrides: number;
}

const connections = 20;
const turnsPerRound = 25;
const rounds = 80;
// Of the last rounds, when the code has been optimised.
const counted = 40;
const request = Buffer.from("POST /photos HTTP/1.1\r\nHost: guard\r\nContent-Length: 0\r\n\r\n");

let contexts = 0;
let overrides = 0;
const { run, enterWith } = AsyncLocalStorage.prototype;
AsyncLocalStorage.prototype.run = function (this: AsyncLocalStorage<unknown>, ...args: [unknown, () => unknown]) {
  contexts++;
  return run.apply(this, args);
} as typeof run;
AsyncLocalStorage.prototype.enterWith = function (this: AsyncLocalStorage<unknown>, store: unknown) {
  contexts++;
  enterWith.call(this, store);
};

let handled = 0;
const server = http.createServer((req, res) => {
  handled++;
  overrides += Number(Object.hasOwn(req, "emit")) + Number(Object.hasOwn(res, "emit"));
  res.writeHead(202, { "Content-Length": 8 });
  res.end("accepted");
});
const clients = Array.from({ length: connections }, () => new MemoryConnection());
for (const client of clients) server.emit("connection", client);

const untracked = await count();
const { close } = createOffloader({ tasks: new URL("./threads/counting-tasks.ts", import.meta.url), logger: false });
const tracked = await count();
await close();
const more: TrackingCounts = {
  bytes: tracked.bytes - untracked.bytes,
  contexts: tracked.contexts - untracked.contexts,
  overrides: tracked.overrides - untracked.overrides,
};
console.log(`counts ${JSON.stringify(more)}`);

/** The least of the last rounds. */
async function count(): Promise<TrackingCounts> {
  const all: TrackingCounts[] = [];
  for (let round = 0; round < rounds; round++) all.push(await countOnce());
  const least = (name: keyof TrackingCounts) => Math.min(...all.slice(-counted).map((counts) => counts[name]));
  return { bytes: least("bytes"), contexts: least("contexts"), overrides: least("overrides") };
}

async function countOnce(): Promise<TrackingCounts> {
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  observer.observe({ entryTypes: ["gc"] });
  const before = { bytes: process.memoryUsage().heapUsed, contexts, overrides, handled };
  for (let i = 0; i < turnsPerRound; i++) {
    for (const client of clients) client.push(request);
    await turn();
    await turn();
  }
  const bytes = process.memoryUsage().heapUsed - before.bytes;
  const requests = turnsPerRound * connections;
  if (handled - before.handled !== requests) throw new Error("a request of the guard was not handled in its turn");
  await turn();
  observer.disconnect();
  return {
    bytes: collections > 0 ? Number.POSITIVE_INFINITY : bytes / requests,
    contexts: (contexts - before.contexts) / requests,
    overrides: (overrides - before.overrides) / requests,
  };
}

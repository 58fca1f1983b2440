// Counts what one request does alone, as at a few hundred a second, where code and data are cold: calls of the library's functions, and async
// resources. Prints them as one line of JSON; test/bench/ says what they may be. V8 counts the calls, so they are the same on every machine.
import { createHook } from "node:async_hooks";
import http from "node:http";
import { Session } from "node:inspector/promises";
import { setImmediate as turn } from "node:timers/promises";
import { createOffloader } from "offload-after-response";
import { MemoryConnection } from "./memory-connection.mjs";

export interface CallCounts {
  /** Of a request without a task: calls of the library's functions on the main thread. */
  readonly tracked: { readonly calls: number };
  /** What a task adds to it. */
  readonly task: Counted;
}

interface Counted {
  readonly calls: number;
  readonly asyncResources: number;
}

const requests = 200;
const request = Buffer.from("POST /photos HTTP/1.1\r\nHost: guard\r\nContent-Length: 0\r\n\r\n");

const { offloadAfterResponse, ready, idle, close } = createOffloader({
  tasks: new URL("./threads/counting-tasks.ts", import.meta.url),
  pool: { minThreads: 1, maxThreads: 1 },
  logger: false,
});
await ready();

let leaves = false;
const server = http.createServer((_req, res) => {
  if (leaves) offloadAfterResponse(res, "tiny", { n: 1, key: "photos/2024/05/17.jpg" });
  res.writeHead(202, { "Content-Length": 8 });
  res.end("accepted");
});
const client = new MemoryConnection();
server.emit("connection", client);

const session = new Session();
session.connect();
await session.post("Profiler.enable");
const tracked = await count();
leaves = true;
const all = await count();
const counts: CallCounts = {
  tracked: { calls: tracked.calls },
  task: { calls: all.calls - tracked.calls, asyncResources: all.asyncResources - tracked.asyncResources },
};
console.log(`counts ${JSON.stringify(counts)}`);
await close();

/** Of one request. */
async function count(): Promise<Counted> {
  await serve();
  let asyncResources = 0;
  const hook = createHook({ init: () => void asyncResources++ });
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  await session.post("Profiler.takePreciseCoverage");
  hook.enable();
  await serve();
  hook.disable();
  const { result } = await session.post("Profiler.takePreciseCoverage");
  await session.post("Profiler.stopPreciseCoverage");
  const calls = result
    .filter(({ url }) => url.includes("/dist/"))
    .flatMap(({ functions }) => functions.map(({ ranges }) => ranges[0]?.count ?? 0));
  return {
    calls: calls.reduce((sum, each) => sum + each, 0) / requests,
    asyncResources: asyncResources / requests,
  };
}

async function serve(): Promise<void> {
  for (let served = 0; served < requests; served++) {
    client.push(request);
    await turn();
    // The same few calls with and without a task.
    await idle();
  }
}

// The server of the soak: every request leaves something, each way of dispatching and of ending among it. Run with
// --expose-gc.
import { type EventEmitter, once } from "node:events";
import { readdirSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { createOffloader } from "offload-after-response";
import { answer } from "../harness/answer.js";
import { iterationsFor } from "../harness/calibrate.js";
import type * as tasks from "../threads/soak.js";

/** What must not grow. */
export interface Vitals {
  readonly heapMB: number;
  readonly rssMB: number;
  /** Of the process: `process.getActiveResourcesInfo()`. */
  readonly handles: number;
  /** On the process and the server. */
  readonly listeners: number;
  readonly threads: number;
  /** Open files and sockets; undefined where the system does not tell. */
  readonly fds: number | undefined;
  readonly requests: number;
  readonly unfinished: number;
}

const iterations = iterationsFor(2);
const server = http.createServer();
let requests = 0;

const offloader = createOffloader<typeof tasks>({
  tasks: new URL("../threads/soak.js", import.meta.url),
  pool: { minThreads: 1, maxThreads: 2, idleTimeout: 1_000 },
  policies: { flaky: { attempts: 2, backoff: 20 } },
  context: () => ({ requestId: requests }),
  logger: false,
});
const { offloadAfterResponse, runAfterResponse, afterEachResponse, offload } = offloader;
for (const name of ["accepted", "succeeded", "failed", "cancelled"] as const) offloader.on(name, () => {});
const afterEach = afterEachResponse(() => {});

server.on("request", (req, res) => {
  const n = ++requests;
  afterEach(req, res, () => {
    offloadAfterResponse(res, "resize", { n, iterations });
    runAfterResponse(() => {});
    if (n % 5 === 0) offloadAfterResponse("flaky", { n });
    if (n % 7 === 0) runAfterResponse(() => Promise.reject(new Error("a callback that fails")));
    if (n % 11 === 0) offload("wait", {}, { key: "only one", onDuplicate: "replace", timeout: 300 });
    if (n % 13 === 0) offload("wait", {}).cancel("of no use");
    if (n % 17 === 0)
      offloadAfterResponse(res, "resize", { n, iterations }, { runIf: "sent", signal: AbortSignal.timeout(5_000) });
    // Some answers are never given, and their clients give up.
    if (n % 19 !== 0) res.end("accepted");
  });
});

answer({
  async open(): Promise<number> {
    await offloader.ready();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  },
  vitals(): Vitals {
    for (let i = 0; i < 2; i++) globalThis.gc?.();
    const { heapUsed, rss } = process.memoryUsage();
    const { threads, unfinished } = offloader.stats();
    return {
      heapMB: heapUsed / 1e6,
      rssMB: rss / 1e6,
      handles: process.getActiveResourcesInfo().length,
      listeners: listenersOf(process) + listenersOf(server),
      threads: threads.total,
      fds: openFiles(),
      requests,
      unfinished,
    };
  },
  close: () => offloader.close(),
});

function listenersOf(emitter: EventEmitter): number {
  return emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);
}

function openFiles(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return undefined;
  }
}

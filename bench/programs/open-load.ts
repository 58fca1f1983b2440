// A steady load: each request is sent when it is due, whatever became of those before it, and its latency counts from when
// it was due. A server that stalls makes many requests late, not one (the "coordinated omission" of closed loops).
import http from "node:http";
import { performance } from "node:perf_hooks";
import { answer } from "../harness/answer.js";

export interface LoadOrder {
  readonly port: number;
  readonly perSecond: number;
  readonly requests: number;
  /**
   * How the client waits for the next request. `"sleep"`: by a timer, which fires up to a millisecond late. `"spin"`: it takes a core all
   * the time, as another busy process does. Default: it sleeps, and spins for the last moment.
   */
  readonly wait?: Wait | undefined;
}

export type Wait = "sleep" | "spin";

export interface LoadResult {
  /** ms from when each request was due to the end of its answer. */
  readonly latencies: readonly number[];
  readonly failed: number;
}

// A timer fires up to a millisecond late, which is more than an answer takes: the rest is waited for turn by turn.
const timerMs = 1.5;

answer({ run });

async function run({ port, perSecond, requests, wait }: LoadOrder): Promise<LoadResult> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  const startedAt = performance.now();
  const latencies: number[] = [];
  let failed = 0;
  const pending: Promise<void>[] = [];
  for (let i = 0; i < requests; i++) {
    const due = startedAt + (i * 1_000) / perSecond;
    await until(due, wait);
    const sent = post(agent, port).then(
      () => void latencies.push(performance.now() - due),
      () => void failed++,
    );
    pending.push(sent);
  }
  await Promise.all(pending);
  agent.destroy();
  return { latencies, failed };
}

async function until(due: number, wait: Wait | undefined): Promise<void> {
  const coarse = due - performance.now() - (wait === undefined ? timerMs : 0);
  if (coarse > 0 && wait !== "spin") await new Promise((resolve) => setTimeout(resolve, coarse));
  while (performance.now() < due) await new Promise((resolve) => setImmediate(resolve));
}

function post(agent: http.Agent, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = http.request({ agent, port, host: "127.0.0.1", path: "/photos", method: "POST" }, (response) => {
      response.resume();
      response.once("end", () => (response.statusCode === 202 ? resolve() : reject(new Error("not accepted"))));
    });
    request.once("error", reject);
    request.end();
  });
}

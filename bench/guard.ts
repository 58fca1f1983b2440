// Counts the work of a task, not its time, so that a machine that is slow or shared does not matter: messages to the
// thread, bytes allocated on the main thread, async resources. Prints them as one line of JSON; test/bench/ says what they
// may be. Run with a young generation so large that most rounds end before anything is collected; the others do not count.
import { createHook } from "node:async_hooks";
import http from "node:http";
import { PerformanceObserver } from "node:perf_hooks";
import { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { MessagePort } from "node:worker_threads";
import { createOffloader } from "offload-after-response";
import type * as tasks from "./threads/tasks.js";

/** Of one task or response, on the main thread. */
export interface Counts {
  readonly messages: number;
  readonly bytes: number;
  /** What `async_hooks` is told of: promises, timers, immediates. */
  readonly asyncResources: number;
}

const perRound = 500;
const rounds = 16;
// Of the last rounds, when the code has been optimised.
const counted = 8;
const payload = { n: 1, key: "photos/2024/05/17.jpg" };

let messages = 0;
const { postMessage } = MessagePort.prototype;
MessagePort.prototype.postMessage = function (this: MessagePort, ...args: Parameters<typeof postMessage>) {
  messages++;
  return postMessage.apply(this, args);
};

const { offload, offloadAfterResponse, runAfterResponse, idle, ready, close } = createOffloader<typeof tasks>({
  tasks: new URL("./threads/tasks.ts", import.meta.url),
  pool: { maxThreads: 1 },
});
await ready();

/** The least of what the rounds took, each divided by how often `once` was called in it. */
async function count(once: () => void): Promise<Counts> {
  const all: Counts[] = [];
  for (let round = 0; round < rounds; round++) all.push({ ...(await memory(once)), ...(await resources(once)) });
  const least = (name: keyof Counts) => Math.min(...all.slice(-counted).map((counts) => counts[name]));
  return { messages: least("messages"), bytes: least("bytes"), asyncResources: least("asyncResources") };
}

async function memory(once: () => void): Promise<Pick<Counts, "messages" | "bytes">> {
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  observer.observe({ entryTypes: ["gc"] });
  const messagesBefore = messages;
  const bytesBefore = process.memoryUsage().heapUsed;
  await round(once);
  const bytes = process.memoryUsage().heapUsed - bytesBefore;
  const sent = messages - messagesBefore;
  await turn();
  observer.disconnect();
  if (collections > 0) return { messages: sent / perRound, bytes: Number.POSITIVE_INFINITY };
  return { messages: sent / perRound, bytes: bytes / perRound };
}

/** Counted apart, for a hook itself allocates. */
async function resources(once: () => void): Promise<Pick<Counts, "asyncResources">> {
  let made = 0;
  const hook = createHook({ init: () => void made++ }).enable();
  await round(once);
  hook.disable();
  return { asyncResources: made / perRound };
}

async function round(once: () => void): Promise<void> {
  for (let i = 0; i < perRound; i++) once();
  await turn();
  await idle();
}

/** The whole life of a response whose output goes nowhere. */
function respond(register: (res: http.ServerResponse) => void): void {
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const res = new http.ServerResponse(new http.IncomingMessage(socket as never));
  res.assignSocket(socket as never);
  register(res);
  res.end("accepted");
}

const bare = await count(() => respond((res) => void res.once("finish", () => {})));
const results: Record<string, Counts> = {
  task: await count(() => void offload("tiny", payload)),
  "task after a response": less(
    await count(() => respond((res) => void offloadAfterResponse(res, "tiny", payload))),
    bare,
  ),
  "callback after a response": less(await count(() => respond((res) => void runAfterResponse(res, () => {}))), bare),
};
await close();
console.log(`counts ${JSON.stringify(results)}`);

/** What comes on top of the same response with a bare `finish` listener. */
function less(counts: Counts, base: Counts): Counts {
  return {
    messages: counts.messages - base.messages,
    bytes: counts.bytes - base.bytes,
    asyncResources: counts.asyncResources - base.asyncResources,
  };
}

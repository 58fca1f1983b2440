// Counts the work of a task, not its time, so that a machine that is slow or shared does not matter: messages to the
// thread, bytes allocated on the main thread, async resources. Prints them as one line of JSON; test/bench/ says what they
// may be. Run with a young generation so large that most rounds end before anything is collected; the others do not count.
import { createHook } from "node:async_hooks";
import { Channel } from "node:diagnostics_channel";
import http from "node:http";
import { PerformanceObserver } from "node:perf_hooks";
import { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { MessagePort } from "node:worker_threads";
import { createOffloader } from "offload-after-response";
import { makeRows, rowsOf } from "./harness/rows.js";
import type * as tasks from "./threads/counting-tasks.js";

/** Of one task or response, on the main thread. */
export interface Counts {
  readonly messages: number;
  readonly bytes: number;
  /** What `async_hooks` is told of: promises, timers, immediates. */
  readonly asyncResources: number;
  /** How often it is asked whether somebody subscribes to a channel, which is all that channels cost with nobody there. */
  readonly questions: number;
  /** The same in the thread. */
  readonly questionsInThread: number;
}

const perRound = 500;
// So few of those that allocate much, because the rounds in which something is collected do not count.
const perRoundOfLarge = 50;
const rounds = 24;
// Of the last rounds, when the code has been optimised. On a busy machine the compiler takes longer.
const counted = 12;
const payload = { n: 1, key: "photos/2024/05/17.jpg" };
const nested = makeRows(rowsOf(10_000));

let messages = 0;
const { postMessage } = MessagePort.prototype;
MessagePort.prototype.postMessage = function (this: MessagePort, ...args: Parameters<typeof postMessage>) {
  messages++;
  return postMessage.apply(this, args);
};

let questions = 0;
Object.defineProperty(Channel.prototype, "hasSubscribers", {
  get() {
    questions++;
    return false;
  },
});

const { offload, offloadAfterResponse, run, runAfterResponse, on, idle, ready, close } = createOffloader<typeof tasks>({
  tasks: new URL("./threads/counting-tasks.ts", import.meta.url),
  pool: { maxThreads: 1 },
  logger: false,
});
await ready();

/** The least of what the rounds took, each divided by how often `once` was called in it. */
async function count(once: () => void, times = perRound): Promise<Counts> {
  const all: Counts[] = [];
  for (let round = 0; round < rounds; round++)
    all.push({ ...(await memory(once, times)), ...(await resources(once, times)) });
  const least = (name: keyof Counts) => Math.min(...all.slice(-counted).map((counts) => counts[name]));
  return {
    messages: least("messages"),
    bytes: least("bytes"),
    asyncResources: least("asyncResources"),
    questions: least("questions"),
    questionsInThread: least("questionsInThread"),
  };
}

async function memory(once: () => void, times: number): Promise<Pick<Counts, "messages" | "bytes">> {
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  observer.observe({ entryTypes: ["gc"] });
  const messagesBefore = messages;
  const bytesBefore = process.memoryUsage().heapUsed;
  await round(once, times);
  const bytes = process.memoryUsage().heapUsed - bytesBefore;
  const sent = messages - messagesBefore;
  await turn();
  observer.disconnect();
  if (collections > 0) return { messages: sent / times, bytes: Number.POSITIVE_INFINITY };
  return { messages: sent / times, bytes: bytes / times };
}

/** Counted apart, for a hook itself allocates. */
async function resources(once: () => void, times: number): Promise<Omit<Counts, "messages" | "bytes">> {
  let made = 0;
  // The two tasks that tell it ask too: one of them counts.
  const askedInThread = await run("questionsAsked");
  const asked = questions;
  const hook = createHook({ init: () => void made++ }).enable();
  await round(once, times);
  hook.disable();
  const ofRound = questions - asked;
  const inThread = (await run("questionsAsked")) - askedInThread;
  return { asyncResources: made / times, questions: ofRound / times, questionsInThread: inThread / times };
}

async function round(once: () => void, times: number): Promise<void> {
  for (let i = 0; i < times; i++) once();
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
  "task with 10 KB of nested objects": await count(() => void offload("validate", nested), perRoundOfLarge),
  "task after a response": less(
    await count(() => respond((res) => void offloadAfterResponse(res, "tiny", payload))),
    bare,
  ),
  "callback after a response": less(await count(() => respond((res) => void runAfterResponse(res, () => {}))), bare),
};
const off = on("failed", () => {});
results["task that fails"] = await count(() => void offload("fail", payload));
off();
await close();
console.log(`counts ${JSON.stringify(results)}`);

/** What comes on top of the same response with a bare `finish` listener. */
function less(counts: Counts, base: Counts): Counts {
  return {
    messages: counts.messages - base.messages,
    bytes: counts.bytes - base.bytes,
    asyncResources: counts.asyncResources - base.asyncResources,
    questions: counts.questions - base.questions,
    questionsInThread: counts.questionsInThread - base.questionsInThread,
  };
}

// The contenders of the HTTP benchmarks by the names under which they stand in tables.
import type { OpenExpress } from "./contender.js";

export const floor = "no work (floor)";
export const ours = "offload-after-response";
export const niced = "offload-after-response, pool.priority 10";
export const bullmq = "BullMQ, sandboxed";

/** What the parts of a dispatch cost a route at the least. */
export const parts: Readonly<Record<string, () => Promise<OpenExpress>>> = {
  "an offloader that gets no task": async () => (await import("./offload-after-response.js")).openIdle,
  "a bare Worker, a message a task": async () => (await import("./post-message.js")).openPostMessage,
  "a bare Worker, a message a turn": async () => (await import("./post-message.js")).openBatchedPostMessage,
};

export const contenders: Readonly<Record<string, () => Promise<OpenExpress>>> = {
  [floor]: async () => (await import("./floor.js")).openFloor,
  [ours]: async () => (await import("./offload-after-response.js")).openAfterResponse,
  "Piscina by hand": async () => (await import("./piscina.js")).openPiscina,
  "workerpool by hand": async () => (await import("./workerpool.js")).openWorkerpool,
  [bullmq]: async () => (await import("./bullmq.js")).openBullmq,
  "setImmediate after finish": async () => (await import("./set-immediate.js")).openSetImmediate,
  "inline, before the answer": async () => (await import("./inline.js")).openInline,
};

/** Every way in which the server of the benchmarks can be started. */
export const ways: Readonly<Record<string, () => Promise<OpenExpress>>> = {
  ...contenders,
  ...parts,
  [niced]: async () => (await import("./offload-after-response.js")).openNiced,
};

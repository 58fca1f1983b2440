// The contenders of the HTTP benchmarks by the names under which they stand in tables.
import type { OpenExpress } from "./contender.js";

export const floor = "no work (floor)";
export const ours = "after-response";
export const bullmq = "BullMQ, sandboxed";

export const contenders: Readonly<Record<string, () => Promise<OpenExpress>>> = {
  [floor]: async () => (await import("./floor.js")).openFloor,
  [ours]: async () => (await import("./after-response.js")).openAfterResponse,
  "Piscina by hand": async () => (await import("./piscina.js")).openPiscina,
  "workerpool by hand": async () => (await import("./workerpool.js")).openWorkerpool,
  [bullmq]: async () => (await import("./bullmq.js")).openBullmq,
  "setImmediate after finish": async () => (await import("./set-immediate.js")).openSetImmediate,
  "inline, before the answer": async () => (await import("./inline.js")).openInline,
};

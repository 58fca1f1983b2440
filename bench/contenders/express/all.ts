// The contenders of the HTTP benchmarks by the names under which they stand in tables.
import type { OpenExpress } from "./contender.js";

export const floor = "no work (floor)";
export const ours = "offload-after-response";
/** The same with another niceness of its threads. */
export const niced = (niceness: number): string => `offload-after-response, pool.priority ${niceness}`;
/** Every niceness that is measured. The default is 5. */
export const nicenesses: readonly number[] = [0, 1, 2, 3, 5, 10, 19];
export const unniced: string = niced(0);
export const piscina = "Piscina by hand";
export const nicedPiscina = "Piscina by hand, niceIncrement 5";
export const bullmq = "BullMQ, sandboxed";

const inline = "inline, before the answer";

export const contenders: Readonly<Record<string, () => Promise<OpenExpress>>> = {
  [floor]: async () => (await import("./floor.js")).openFloor,
  [ours]: async () => (await import("./offload-after-response.js")).openAfterResponse,
  [piscina]: async () => (await import("./piscina.js")).openPiscina,
  "workerpool by hand": async () => (await import("./workerpool.js")).openWorkerpool,
  [bullmq]: async () => (await import("./bullmq.js")).openBullmq,
  "setImmediate after finish": async () => (await import("./set-immediate.js")).openSetImmediate,
  [inline]: async () => (await import("./inline.js")).openInline,
};

/** Every way in which the server of the benchmarks can be started. */
export const ways: Readonly<Record<string, () => Promise<OpenExpress>>> = {
  ...contenders,
  ...Object.fromEntries(
    nicenesses.map((niceness) => [
      niced(niceness),
      async () => (await import("./offload-after-response.js")).openNiced(niceness),
    ]),
  ),
  [nicedPiscina]: async () => (await import("./piscina.js")).openNicedPiscina,
};

// The contenders of the pool benchmarks by the names under which they stand in tables. Each loads its library only when
// it is its turn.
import type { OpenPool } from "./contender.js";

export const ours = "after-response";
export const oursEvents = "after-response, event listener";
export const oursForget = "after-response, fire and forget";
const oursJournal = "after-response, journal";
export const piscina = "Piscina";
export const piscinaAsync = "Piscina, atomics disabled";
export const raw = "raw postMessage, batched";

export const pools: Readonly<Record<string, () => Promise<OpenPool>>> = {
  [ours]: async () => (await import("./after-response.js")).openAfterResponse,
  [oursEvents]: async () => (await import("./after-response.js")).openAfterResponseEvents,
  [oursForget]: async () => (await import("./after-response.js")).openAfterResponseForget,
  [oursJournal]: async () => (await import("./after-response.js")).openAfterResponseJournal,
  [piscina]: async () => (await import("./piscina.js")).openPiscina,
  [piscinaAsync]: async () => (await import("./piscina.js")).openPiscinaAsync,
  tinypool: async () => (await import("./tinypool.js")).openTinypool,
  workerpool: async () => (await import("./workerpool.js")).openWorkerpool,
  poolifier: async () => (await import("./poolifier.js")).openPoolifier,
  [raw]: async () => (await import("./raw.js")).openRaw,
};

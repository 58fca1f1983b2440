// The contenders of the pool benchmarks by the names under which they stand in tables. Each loads its library only when
// it is its turn.
import type { OpenPool } from "./contender.js";

export const ours = "offload-after-response";
export const oursEvents = "offload-after-response, event listener";
export const oursForget = "offload-after-response, fire and forget";
const oursJournal = "offload-after-response, journal";
export const piscina = "Piscina";
export const piscinaAsync = "Piscina, atomics disabled";
export const raw = "raw postMessage, batched";
export const rawEach = "raw postMessage, one each";
export const rawBytes = "v8.Serializer and raw postMessage";
export const rawChecked = "a check, v8.Serializer and raw postMessage";

export const pools: Readonly<Record<string, () => Promise<OpenPool>>> = {
  [ours]: async () => (await import("./offload-after-response.js")).openAfterResponse,
  [oursEvents]: async () => (await import("./offload-after-response.js")).openAfterResponseEvents,
  [oursForget]: async () => (await import("./offload-after-response.js")).openAfterResponseForget,
  [oursJournal]: async () => (await import("./offload-after-response.js")).openAfterResponseJournal,
  [piscina]: async () => (await import("./piscina.js")).openPiscina,
  [piscinaAsync]: async () => (await import("./piscina.js")).openPiscinaAsync,
  tinypool: async () => (await import("./tinypool.js")).openTinypool,
  workerpool: async () => (await import("./workerpool.js")).openWorkerpool,
  poolifier: async () => (await import("./poolifier.js")).openPoolifier,
  [raw]: async () => (await import("./raw.js")).openRaw,
  [rawEach]: async () => (await import("./raw.js")).openRawEach,
  [rawBytes]: async () => (await import("./raw-bytes.js")).openRawBytes,
  [rawChecked]: async () => (await import("./raw-bytes.js")).openRawChecked,
};

// The contenders of the store benchmark by the names under which they stand in tables, and what each promises.
import type { OpenStore } from "./contender.js";

export const none = "no store";
export const ours = "offload-after-response, journal";
export const betterSqlite3 = "better-sqlite3 by hand";
export const nodeSqlite = "node:sqlite by hand";
export const bullmq = "BullMQ";
export const bullmqThreads = "BullMQ, worker threads";
export const plainjob = "plainjob";
export const pQueue = "p-queue";
export const sidequest = "sidequest, SQLite";
const callback = "a plain callback";
export const lmdb = "lmdb by hand";
const lmdbNoSync = "lmdb by hand, noSync";

export const stores: Readonly<Record<string, () => Promise<OpenStore>>> = {
  [none]: async () => (await import("./offload-after-response.js")).openNone,
  [ours]: async () => (await import("./offload-after-response.js")).openJournal,
  [lmdb]: async () => (await import("./lmdb.js")).openLmdbStore,
  [lmdbNoSync]: async () => (await import("./lmdb.js")).openLmdbNoSync,
  [betterSqlite3]: async () => (await import("./better-sqlite3.js")).openBetterSqlite3,
  [nodeSqlite]: async () => (await import("./node-sqlite.js")).openNodeSqlite,
  [bullmq]: async () => (await import("./bullmq.js")).openBullmq,
  [bullmqThreads]: async () => (await import("./bullmq.js")).openBullmqThreads,
  [plainjob]: async () => (await import("./plainjob.js")).openPlainjob,
  [pQueue]: async () => (await import("./p-queue.js")).openPQueue,
  [callback]: async () => (await import("./p-queue.js")).openCallback,
  [sidequest]: async () => (await import("./sidequest.js")).openSidequest,
};

/** What becomes of an accepted task, as set up here, and what has to be installed for it. */
export interface Promises {
  /** Who runs what a killed process has left, without a line of the user's. */
  readonly runBy?: string;
  /** What else becomes of it. */
  readonly note?: string;
  readonly powerCut: string;
  readonly toInstall: string;
}

export const promises: Readonly<Record<string, Promises>> = {
  [none]: { powerCut: "lost", toInstall: "-" },
  [ours]: {
    runBy: "the next process",
    powerCut: 'the last seconds may be lost; not with durability "disk" and handle.durable',
    toInstall: "nothing more",
  },
  [lmdb]: {
    note: "running it again is yours to write",
    powerCut: "kept once db.flushed has resolved, which is not awaited here",
    toInstall: "native code, binaries in npm packages",
  },
  [lmdbNoSync]: {
    note: "running it again is yours to write",
    powerCut: "the database may be damaged",
    toInstall: "native code, binaries in npm packages",
  },
  [betterSqlite3]: {
    note: "running it again is yours to write",
    powerCut: "the last commits may be lost; not with synchronous = FULL",
    toInstall: "native code, in the npm package for Node.js 22 and later, else downloaded or compiled",
  },
  [nodeSqlite]: {
    note: "running it again is yours to write",
    powerCut: "the last commits may be lost; not with synchronous = FULL",
    toInstall: "nothing more, on Node.js 22.13 and later",
  },
  [bullmq]: {
    runBy: "the next worker",
    powerCut: "the last second may be lost; not with appendfsync always",
    toInstall: "a Redis server that runs somewhere; ioredis",
  },
  [bullmqThreads]: {
    runBy: "the next worker",
    powerCut: "the last second may be lost; not with appendfsync always",
    toInstall: "a Redis server that runs somewhere; ioredis",
  },
  [plainjob]: {
    runBy: "the next worker",
    note: "one that had started: after its timeout (30 minutes)",
    powerCut: "the last commits may be lost",
    toInstall: "better-sqlite3, which is native code",
  },
  [pQueue]: { powerCut: "lost", toInstall: "p-queue" },
  [callback]: { powerCut: "lost", toInstall: "-" },
  [sidequest]: {
    runBy: "the next engine",
    note: "one that had started: once it is stale (10 minutes)",
    powerCut: "kept; each commit is synced (no WAL, synchronous = FULL)",
    toInstall: "better-sqlite3, which is native code; Node.js 22.6 and later",
  },
};

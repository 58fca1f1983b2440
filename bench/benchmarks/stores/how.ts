// How the contenders of the store benchmark are set up and measured: the text above their tables.
import { tasksToKeep } from "./killed.js";
import { burst, sidequestBurst } from "./metrics.js";
import { betterSqlite3Version, sidequestNode } from "./participants.js";
import { perSecond, seconds } from "./route.js";

export const how: string = [
  `A task is accepted so that it survives \`kill -9\`, runs on one thread (BullMQ: in a worker process), ends, and is gone from the store. Each contender has a process and a directory of its own; in each round every contender is measured once, one task at a time and in bursts of ${burst.toLocaleString("en-US")}, and in the next in the opposite order.`,
  `By hand means an offloader without a journal: each task is recorded before the dispatch and deleted at its end. lmdb: \`put\` and \`remove\` awaited, those of a burst together. SQLite: a prepared INSERT and DELETE for each task, WAL, \`synchronous = NORMAL\` (better-sqlite3 ${betterSqlite3Version}). BullMQ: \`add\` awaited, those of a burst together, \`removeOnComplete\`, a Redis of its own with an append-only file that is synced every second.`,
  "plainjob has its worker on the main thread and keeps what has ended; it looks for jobs every millisecond (by default every second). p-queue runs one task at a time on the main thread, and a plain callback is `setImmediate`: for small work that may be lost, there is no less. BullMQ, worker threads: `useWorkerThreads`, one job at a time.",
  `sidequest 1.16.4, with SQLite by better-sqlite3 13.2.0: \`enqueue\` awaited, those of a burst together; one thread; \`jobPollingInterval: 10\` ms (by default 100); and \`fork: false\`, with which it accepts and ends bursts faster than with the process of its own that it has by default. It keeps what has ended, and its ends are counted in the database every 10 ms. Its bursts are of ${sidequestBurst}, because 1,000 would take it many seconds, and it is measured after the others, because it reads its database all the time.${sidequestNode === undefined ? "" : ` It needs Node.js 22.6 or later, so it alone runs on ${sidequestNode}.`}`,
  "The journal also records that a task has started, and would run it again; the records by hand do neither.",
  "Over none: less what the same offloader takes without any store in the same round; of BullMQ too, which has nothing of that to do in this process. plainjob's worker and sidequest's engine are in this process. What happens in other threads (lmdb's writer) and processes (Redis, BullMQ's worker) is not the main thread's, but takes its part of the two cores.",
  `The route: a \`node:http\` server in the contender's process accepts one task, waits until it is on record and answers 202; ${perSecond} requests a second for ${seconds} s, sent by another process whatever became of those before. Without a store it is the floor. Where fewer are accepted in a second, the requests wait in a row that grows.`,
  `Killed: a process that runs nothing accepts ${tasksToKeep} tasks (sidequest's: ${sidequestBurst}) and ends by \`kill -9\`, and another one counts what is there. BullMQ's Redis is not killed.`,
].join(" ");

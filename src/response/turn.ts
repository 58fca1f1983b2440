// What waits for a turn of the event loop to end, all of it together: the responses that end in one turn release their
// tasks at once, so that these travel in one message and wake a thread once.
import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate } from "node:timers";

type Job = () => void;

// As it is now, and not the global one: an application's tests may put a clock of theirs in its place, in the module too.
const soon = setImmediate;

let waiting: Job[] = [];

// Nothing of the first one's request is seen by the others.
const outsideOfRequests = AsyncLocalStorage.snapshot();

/** Calls `job`, which must not throw, once the callbacks of I/O that this turn brought are through. In the order of the calls. */
export function atTheEndOfTheTurn(job: Job): void {
  if (waiting.push(job) === 1) outsideOfRequests(() => soon(run));
}

function run(): void {
  const jobs = waiting;
  waiting = [];
  for (const job of jobs) job();
}

// The end of a turn of the event loop, awaited by all together: the responses that end in one turn release their tasks at
// once, so that the tasks travel in one message and wake a thread once.
import { AsyncLocalStorage } from "node:async_hooks";
import { nextTurn } from "../base/time.js";

type Job = () => void;

let waiting: Job[] = [];

// The jobs of several requests run in one callback. None of them may see the request of the first.
const outsideOfRequests = AsyncLocalStorage.snapshot();

/** Calls `job`, which must not throw, after the I/O callbacks of this turn, in the order of the calls. */
export function atTheEndOfTheTurn(job: Job): void {
  if (waiting.push(job) === 1) outsideOfRequests(() => nextTurn(run));
}

function run(): void {
  const jobs = waiting;
  waiting = [];
  for (const job of jobs) job();
}

// The end of a turn of the event loop, awaited by all together: the responses that end in one turn release their tasks at
// once, so that the tasks travel in one message and wake a thread once.
import { AsyncResource } from "node:async_hooks";
import { inStep, nextTurn } from "../base/time.js";

/** A response that is over. */
export interface Ended {
  /** Tells its listeners. It must not throw. */
  deliver(): void;
}

let waiting: Ended[] = [];

// The listeners of several requests are called in one callback. None of them may see the request of the first. Of Node's ways out of a
// request this one makes the fewest calls.
const outsideOfRequests = new AsyncResource("offload-after-response.turn");

/** Has the listeners of a response told after the I/O callbacks of this turn, in the order of the calls. */
export function deliverAtTheEndOfTheTurn(response: Ended): void {
  if (waiting.push(response) === 1) outsideOfRequests.runInAsyncScope(nextTurn, undefined, deliver);
}

const deliver = (): void => inStep(deliverAll);

function deliverAll(): void {
  const responses = waiting;
  waiting = [];
  for (const response of responses) response.deliver();
}

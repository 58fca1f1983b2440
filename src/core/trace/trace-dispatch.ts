// Tells the subscribers of `after-response.dispatch` of one call, and collects what they want to travel with the task.
import { type Carrier, toCarrier } from "./carrier.js";
import { type DispatchMessage, dispatchChannel } from "./channels.js";

/** Whether somebody subscribes: only then is a message made, and a carrier. */
export function isDispatchTraced(): boolean {
  return dispatchChannel.start.hasSubscribers;
}

/**
 * `start`, then the call, then `end`; `error` before it where the call throws.
 *
 * @param accept is given the carrier; returns what has the id of the accepted task
 */
export function traceDispatch<Accepted extends { readonly id: string }>(
  message: DispatchMessage,
  accept: (carrier: Carrier | undefined) => Accepted,
): Accepted {
  const { start, end, error } = dispatchChannel;
  return start.runStores(message, () => {
    try {
      const accepted = accept(toCarrier(message.carrier));
      message.id = accepted.id;
      return accepted;
    } catch (thrown) {
      message.error = thrown;
      error.publish(message);
      throw thrown;
    } finally {
      end.publish(message);
    }
  });
}

/** The same for a call in a thread, whose answer comes later: `asyncStart` and `asyncEnd` after it. */
export async function traceLaterDispatch<Accepted extends { readonly id: string }>(
  message: Omit<DispatchMessage, "carrier">,
  ask: (carrier: Carrier | undefined) => Promise<Accepted>,
): Promise<Accepted> {
  const { start, end, asyncStart, asyncEnd, error } = dispatchChannel;
  const whole: DispatchMessage = { ...message, carrier: {} };
  const answer = start.runStores(whole, () => {
    try {
      return ask(toCarrier(whole.carrier));
    } finally {
      end.publish(whole);
    }
  });
  try {
    const accepted = await answer;
    whole.id = accepted.id;
    return accepted;
  } catch (refusal) {
    whole.error = refusal;
    error.publish(whole);
    throw refusal;
  } finally {
    asyncStart.publish(whole);
    asyncEnd.publish(whole);
  }
}

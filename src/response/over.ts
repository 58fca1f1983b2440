// When a response is over, and how it ended: the one function the rest of the library asks.
import type { AnyResponse } from "./kinds.js";
import { type OverListener, type ResponseWatch, watchOf } from "./watch.js";

/**
 * Calls the listener once when the response is over: everything was handed to the network (`completed`), or the
 * client was gone before that (`aborted`). Also for a response that is over already.
 *
 * @param response of HTTP/1 or HTTP/2, or what `currentResponse()` returned
 * @param listener called exactly once, never before this call has returned, in the order of the calls. What it throws
 *   is dropped: it must not throw.
 */
export function whenOver(response: AnyResponse | ResponseWatch, listener: OverListener): void {
  watchOf(response).add(listener);
}

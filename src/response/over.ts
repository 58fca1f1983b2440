// When a response is over, and how it ended: the one function that the rest of the library calls for this.
import type { AnyResponse } from "./kinds.js";
import { type OverListener, type ResponseWatch, watchOf } from "./watch.js";

/**
 * Calls the listener once when the response is over: everything was handed to the network (`completed`), or the
 * client was gone before that (`aborted`). A response may be over already.
 *
 * @param response of HTTP/1 or HTTP/2, or what `currentResponse()` returned
 * @param listener called exactly once, never before this call has returned, in the order of the calls. It must not
 *   throw: an error of it is dropped.
 * @returns the watch of the response
 */
export function whenOver(response: AnyResponse | ResponseWatch, listener: OverListener): ResponseWatch {
  const watch = watchOf(response);
  watch.add(listener);
  return watch;
}

// Makes the value of captured bytes again, in any thread, as often as is asked.
import { type Captured, isBytes } from "./payload.js";
import { v8Mark } from "./stream/stream-format.js";
import { StreamReader } from "./stream/stream-reader.js";
import { V8Reader } from "./stream/v8-reader.js";

/**
 * The value that was captured: a flat one as it is, any other made anew at each call. Of a value captured for moving the large
 * buffers are handed out as they are, so it can be restored once. What is aside is the same in every one.
 *
 * @throws an error of any kind for bytes that this version cannot read
 */
export function restore(captured: Captured): unknown {
  if (!isBytes(captured)) return captured;
  return captured.bytes[0] === v8Mark ? new V8Reader(captured).read() : new StreamReader(captured).read();
}

/**
 * As {@link restore}, and a flat value is copied too: for what was captured once and is handed out several times, each time to
 * code that may change it.
 */
export function restoreAnew(captured: Captured): unknown {
  const value = restore(captured);
  return value === captured && typeof value === "object" && value !== null ? { ...value } : value;
}

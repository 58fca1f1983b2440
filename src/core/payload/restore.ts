// Makes the value of captured bytes again, in any thread, as often as is asked.
import { keepAlive } from "./kept-alive.js";
import { type Captured, isBytes, PayloadBytes } from "./payload.js";
import { streamVersion, tags, v8Mark } from "./stream/stream-format.js";
import { StreamReader } from "./stream/stream-reader.js";
import { V8Reader } from "./stream/v8-reader.js";

// A reader that has read something is kept with the bytes, so this one has read a stream of its own: a value, no lists of names, no texts.
const shortest = Uint8Array.of(streamVersion, 6, 0, 0, 0, tags.null, 0, 0, 0, 0, 0, 0, 0, 0);
const kept = new StreamReader(new PayloadBytes(shortest, [shortest.length]));
kept.read();
keepAlive(kept);

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

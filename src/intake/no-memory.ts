// A call for whose payload the process gets no memory: a refusal like that of a full queue, because ends of tasks make room.
import { OffloadError } from "../base/errors.js";

// V8's own words, the first for a buffer, the second for the bytes of its serializer. Neither error has a code.
const noMemory = /^Array buffer allocation failed$|\bcannot be cloned, out of memory\b/;

/** The refusal, where the error says that memory could not be had; else undefined. */
export function refusalForMemory(error: unknown, task: string): OffloadError | undefined {
  // No further than the error that the capture wraps: a getter of the user's may throw one that is its own cause.
  for (const each of [error, error instanceof Error ? error.cause : undefined]) {
    if (!(each instanceof Error) || !noMemory.test(each.message)) continue;
    const what = `the process gets no memory for the payload of ${task}; lower queue.maxBytes, or give the process more memory`;
    return new OffloadError("AR_QUEUE_FULL", what, { cause: error });
  }
  return undefined;
}

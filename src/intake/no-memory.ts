// A call for whose payload the process gets no memory: a refusal like that of a full queue, because ends of tasks make room.
import { OffloadError } from "../base/errors.js";

/** The refusal, where the error says that memory could not be had; else undefined. */
export function refusalForMemory(error: unknown, task: string): OffloadError | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    // V8's own words, the first for a buffer, the second for the bytes of its serializer. Neither error has a code.
    if (!/^Array buffer allocation failed$|\bcannot be cloned, out of memory\b/.test(each.message)) continue;
    const what = `the process gets no memory for the payload of ${task}; lower queue.maxBytes, or give the process more memory`;
    return new OffloadError("AR_QUEUE_FULL", what, { cause: error });
  }
  return undefined;
}

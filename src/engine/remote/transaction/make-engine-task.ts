// A task as a broker keeps it, made on the main thread for a transaction of the user's.
import { encodeToTravel, type TaskContent } from "../../../journal/format/content.js";
import type { EngineTask, EngineTaskHead } from "../remote-engine.js";
import { toEngineTask } from "../thread/body.js";

/** @throws OffloadError AR_PAYLOAD_NOT_CLONEABLE, AR_PAYLOAD_TOO_LARGE */
export function makeEngineTask(head: EngineTaskHead, content: TaskContent, mostBytes: number): EngineTask {
  const { encoding, chunks } = encodeToTravel(content, mostBytes);
  return toEngineTask({ ...head, encoding }, Buffer.concat(chunks));
}

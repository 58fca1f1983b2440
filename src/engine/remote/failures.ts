// The failures that the broker keeps, as dead letters.
import type { DeadLetter, DeadLetterReason } from "../../store/store.js";
import type { EngineThread } from "./engine-thread.js";
import type { EngineFailure } from "./remote-engine.js";

/** So many are listed at the most: a broker may have kept them for months. */
const most = 1_000;

const reasons: readonly string[] = ["exhausted", "crashed", "timeout", "unknown-task", "unreadable"];

export class EngineFailures {
  constructor(private readonly thread: Pick<EngineThread, "ask">) {}

  /** @returns rejects with AR_ENGINE_UNAVAILABLE, or with the broker's error */
  async list(): Promise<DeadLetter[]> {
    return (await this.thread.ask({ what: "list", limit: most })).map(toDeadLetter);
  }

  retry(id: string): Promise<boolean> {
    return this.thread.ask({ what: "retry", id });
  }

  discard(id: string): Promise<boolean> {
    return this.thread.ask({ what: "discard", id });
  }
}

function toDeadLetter({ id, name, reason, error, attempts, failedAt }: EngineFailure): DeadLetter {
  return {
    id,
    task: name,
    place: "engine",
    reason: reasons.includes(reason) ? (reason as DeadLetterReason) : "exhausted",
    error: { name: "Error", message: error },
    attempts,
    // The broker does not tell these.
    interrupted: 0,
    retries: 0,
    acceptedAt: 0,
    failedAt,
  };
}

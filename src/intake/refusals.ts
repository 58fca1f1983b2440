// Dispatches that were refused at the call: counted by code, with an event each. Beside the error, which the caller may answer
// without a word to anybody, nothing would tell of them.
import { OffloadError, type OffloadErrorCode } from "../base/errors.js";
import type { TaskKind } from "../core/definition.js";
import type { Events } from "../core/events.js";

export class Refusals {
  /** How many so far, by code; only codes that there were. */
  readonly counts: Map<OffloadErrorCode, number> = new Map();

  constructor(private readonly events: Events) {}

  /**
   * A dispatch has thrown.
   *
   * @param error counts if it is one of the library: `context` and getters in the payload throw errors of the user's
   */
  refused(kind: TaskKind, name: unknown, error: unknown): void {
    if (!(error instanceof OffloadError)) return;
    const { code } = error;
    this.counts.set(code, (this.counts.get(code) ?? 0) + 1);
    if (!this.events.has("refused")) return;
    this.events.beginMove();
    this.events.emit("refused", { task: typeof name === "string" ? name : "", kind, code, error });
    this.events.endMove();
  }
}

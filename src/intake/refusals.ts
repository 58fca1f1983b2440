// Dispatches that were refused at the call: counted by code, with an event each. Beside the error, which the caller may answer
// without a word to anybody, nothing would tell of them.
import { cut, OffloadError, type OffloadErrorCode } from "../base/errors.js";
import { isEnabled, type Logger } from "../base/logger.js";
import type { Clock } from "../base/time.js";
import type { TaskKind } from "../core/definition.js";
import type { Events } from "../core/events.js";
import { Bursts } from "../core/log/bursts.js";
import { lines, write } from "../core/log/lines.js";

/** In characters. The name of a task is shorter, and one that a client sends may be longer. */
export const longestShownName = 200;

export class Refusals {
  /** How many so far, by code; only codes that there were. */
  readonly counts: Map<OffloadErrorCode, number> = new Map();

  readonly #lines: Bursts<{ readonly code: OffloadErrorCode; readonly task: string; readonly kind: TaskKind }>;

  constructor(
    private readonly events: Events,
    private readonly logger: Logger,
    clock?: Clock,
  ) {
    this.#lines = new Bursts({
      most: 1,
      mostIds: 0,
      namesAll: false,
      clock,
      onSum: ({ count, example }) => write(logger, lines.refusedMore, { ...example, count }, { count }),
    });
  }

  /** Writes the sums of what was not written: the process may be about to end. */
  flush(): void {
    this.#lines.flush();
  }

  /** The offloader is closed. */
  stop(): void {
    this.#lines.stop();
  }

  /**
   * A dispatch has thrown.
   *
   * @param error counts if it is one of the library: `context` and getters in the payload throw errors of the user's
   */
  refused(kind: TaskKind, name: unknown, error: unknown): void {
    if (!(error instanceof OffloadError)) return;
    const { code } = error;
    this.counts.set(code, (this.counts.get(code) ?? 0) + 1);
    const logs = isEnabled(this.logger, "warn");
    if (!logs && !this.events.has("refused")) return;
    // A name that no task has may be a client's.
    const task = typeof name === "string" ? cut(name, longestShownName) : "";
    this.events.beginMove();
    this.events.emit("refused", { task, kind, code, error });
    if (logs && this.#lines.add(code, code, { code, task, kind }, () => undefined)) {
      this.events.later(() => write(this.logger, lines.refused, { task, kind, code, err: error }));
    }
    this.events.endMove();
  }
}

// The context of a task that runs on the main thread.
import { OffloadError } from "../../base/errors.js";
import { isEnabled, type Logger } from "../../base/logger.js";
import { copyFollowUpOptions, type FollowUpOptions } from "../../core/follow-up.js";
import { captureFields, restoreFields } from "../../core/log/captured-fields.js";
import { fieldsOf } from "../../core/log/task-fields.js";
import { copy } from "../../core/payload/capture.js";
import { restoreAnew } from "../../core/payload/restore.js";
import type { Task } from "../../core/task.js";
import type { TaskContext, TaskLog } from "../../core/task-context.js";
import type { EngineHost } from "../engine.js";

export class InlineContext implements TaskContext {
  readonly id: string;
  readonly task: string;
  readonly attempt: number;
  readonly context: unknown;
  readonly carrier: TaskContext["carrier"];
  readonly log: TaskLog;

  constructor(
    private readonly record: Task,
    readonly signal: AbortSignal,
    private readonly host: EngineHost | undefined,
    logger: Logger,
  ) {
    this.id = record.id;
    this.task = record.definition.name;
    this.attempt = record.attempt;
    this.context = restoreAnew(record.context);
    this.carrier = record.carrier;
    const line = (level: keyof TaskLog) => (message: string, fields?: object) => {
      if (!isEnabled(logger, level)) return;
      const whose = fieldsOf(record, this.attempt);
      logger[level]?.({ ...(fields && restoreFields(captureFields(fields))), ...whose }, String(message));
    };
    this.log = { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
  }

  get aborted(): boolean {
    return this.signal.aborted;
  }

  throwIfAborted(): void {
    this.signal.throwIfAborted();
  }

  /** A refusal rejects, as it does in a thread. */
  async offload(name: string, payload?: unknown, options?: FollowUpOptions): Promise<{ readonly id: string }> {
    if (this.host === undefined) throw new OffloadError("AR_SHUTTING_DOWN", "the engine has not been started");
    const { context } = this.record;
    return {
      id: this.host.offload({ name, payload, options: copyFollowUpOptions(options), parent: this.id, context }),
    };
  }

  progress(value: unknown): void {
    const copied = copy(value, "progress");
    // An attempt may report after its end, from a timer that it left behind: that is no progress any more.
    const { state, attempt } = this.record;
    if (state === "running" && attempt === this.attempt) this.host?.progress(this.record, copied);
  }
}

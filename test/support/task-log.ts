// The log of tasks without an offloader around it.
import { TaskLog, type TaskLogParts, type TaskLogSettings } from "../../src/core/log/task-log.js";

export interface TaskLogOptions
  extends Omit<TaskLogParts, "settings" | "limits">,
    Partial<Pick<TaskLogParts, "limits">> {
  readonly settings?: Partial<TaskLogSettings>;
}

export function createTaskLog({ settings, limits, ...rest }: TaskLogOptions): TaskLog {
  return new TaskLog({
    ...rest,
    limits: limits ?? { max: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY },
    settings: { ended: "failed", slowMs: 10_000, sample: 1, ...settings },
  });
}

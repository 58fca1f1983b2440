// What threads report beside the outcomes of their batches: progress, log lines, stray errors.
import { isEnabled, type Logger } from "../../base/logger.js";
import { restoreFields } from "../../core/log/captured-fields.js";
import { lines, write } from "../../core/log/lines.js";
import { fieldsOf } from "../../core/log/task-fields.js";
import { restore } from "../../core/payload/restore.js";
import { toError } from "../../core/payload/thrown.js";
import { fromWireForm } from "../../core/payload/wire-form.js";
import type { Task } from "../../core/task.js";
import type { Thread } from "./pool/thread.js";
import type { Remark } from "./protocol.js";

export class Remarks {
  /** Log lines and progress values that threads have dropped so far. */
  dropped = 0;

  constructor(
    private readonly progressed: (task: Task, value: unknown) => void,
    private readonly logger: Logger,
  ) {}

  receive(thread: Thread, message: Remark): void {
    thread.acknowledgeRemark();
    switch (message.kind) {
      case "progress": {
        const task = findTask(thread, message.seq);
        // A task may report after its end, from a timer that it left behind: that is no progress any more.
        if (task?.state === "running") this.progressed(task, restore(fromWireForm(message.value)));
        break;
      }
      case "log":
        this.#log(thread, message);
        break;
      case "dropped":
        this.dropped += message.count;
        write(this.logger, lines.dropped, { thread: thread.id, dropped: message.count });
        break;
      case "stray":
        this.logger.error(
          { thread: thread.id, err: toError(message.error) },
          "an unhandled error in a thread, in code that no running task waits for",
        );
    }
  }

  #log(thread: Thread, { seq, level, message, fields }: Extract<Remark, { kind: "log" }>): void {
    if (!isEnabled(this.logger, level)) return;
    const task = findTask(thread, seq);
    const whose = task && fieldsOf(task, task.attempt, thread.id);
    this.logger[level]?.({ ...(fields && restoreFields(fields, fromWireForm)), ...whose }, message);
  }
}

/** Looks among the tasks in flight on the thread. A log line of a task that has ended does not name it. */
export function findTask(thread: Thread, seq: number): Task | undefined {
  for (const { tasks } of thread.slots) {
    for (const task of tasks) if (task.seq === seq) return task;
  }
  return undefined;
}

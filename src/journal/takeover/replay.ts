// Hands out the unfinished tasks of dead processes, in the order of their acceptance. Each is read when it is asked for.

import type { Logger } from "../../base/logger.js";
import { codeOf, lines, write } from "../../core/log/lines.js";
import type { DeadLetters } from "../dead-letters/dead-letters.js";
import type { FileSystem } from "../files/file-system.js";
import { decodeContent, type TaskContent } from "../format/content.js";
import { type ReadRecord, RecordFile } from "../format/record-file.js";
import type { ReplayedTask } from "../replayed-task.js";
import { byAcceptance, type PendingTask } from "./recovered-log.js";

/** The tasks of one takeover of one process, of which the first `done` have been handed out. */
interface Run {
  readonly tasks: readonly PendingTask[];
  done: number;
}

export class Replay {
  #runs: Run[] = [];
  // One for all tasks, because nobody has to ask for all of them.
  readonly #reader: RecordFile;

  constructor(
    fs: FileSystem,
    private readonly deadLetters: DeadLetters,
    private readonly logger: Logger,
  ) {
    this.#reader = new RecordFile(fs);
  }

  /** @param tasks in the order of their acceptance; the array is kept as it is, because there may be 1,000,000 of them */
  add(tasks: readonly PendingTask[]): void {
    if (tasks.length > 0) this.#runs.push({ tasks, done: 0 });
  }

  *tasks(): Generator<ReplayedTask, void, void> {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const task = this.#read(next);
      if (task !== undefined) yield task;
    }
    this.#reader.close();
  }

  /** Leaves the tasks that have not been handed out to the next process. */
  close(): void {
    this.#reader.close();
  }

  /** The oldest of all. There are as many runs as there were dead processes: few. */
  #next(): PendingTask | undefined {
    let oldest: Run | undefined;
    for (const run of this.#runs)
      if (oldest === undefined || byAcceptance(headOf(run), headOf(oldest)) < 0) oldest = run;
    if (oldest === undefined) return undefined;
    const task = headOf(oldest);
    oldest.done++;
    if (oldest.done === oldest.tasks.length) this.#runs = this.#runs.filter((run) => run !== oldest);
    return task;
  }

  #read({ entry, task: name, acceptedAt }: PendingTask): ReplayedTask | undefined {
    const { id, attempt, interrupted, retries } = entry;
    let read: ReadRecord;
    try {
      read = this.#reader.read(entry.place);
    } catch (error) {
      const fields = { task: name, kind: "task", id, attempt };
      write(this.logger, lines.unreadable, { ...fields, code: codeOf(error), err: error });
      return undefined;
    }
    let content: TaskContent;
    try {
      content = decodeContent(read.record.encoding, read.bytes.subarray(read.record.contentStart, read.record.end));
    } catch {
      const error = new Error(`Node ${process.version} cannot read the payload, which a newer version wrote`);
      write(this.logger, lines.newerPayload, { task: name, kind: "task", id, attempt });
      this.deadLetters.add(entry, "unreadable", error);
      return undefined;
    }
    const { payload, dispatch, context, parent, carrier } = content;
    return { entry, id, name, payload, dispatch, context, parent, carrier, attempt, interrupted, acceptedAt, retries };
  }
}

function headOf({ tasks, done }: Run): PendingTask {
  return tasks[done] as PendingTask;
}

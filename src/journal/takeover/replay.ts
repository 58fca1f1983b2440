// Hands out the unfinished tasks of dead processes, in the order of their acceptance. Each is read when it is asked for.

import type { Logger } from "../../base/logger.js";
import { codeOf, lines, write } from "../../core/log/lines.js";
import type { DeadLetters } from "../dead-letters/dead-letters.js";
import type { FileSystem } from "../files/file-system.js";
import { decodeContent, type TaskContent } from "../format/content.js";
import { EntryReader, type ReadEntry } from "../log/entry-reader.js";
import type { ReplayedTask } from "../replayed-task.js";
import { byAcceptance, type PendingTask } from "./recovered-log.js";

export class Replay {
  #pending: PendingTask[] = [];
  // How many of these have been handed out.
  #done = 0;
  // One for all tasks, because nobody has to ask for all of them.
  readonly #reader: EntryReader;

  constructor(
    fs: FileSystem,
    private readonly deadLetters: DeadLetters,
    private readonly logger: Logger,
  ) {
    this.#reader = new EntryReader(fs);
  }

  add(tasks: readonly PendingTask[]): void {
    const pending = [...this.#pending.slice(this.#done), ...tasks];
    // Those of one process usually are in this order; to sort 100,000 of them takes 25 ms.
    if (!isInOrder(pending)) pending.sort(byAcceptance);
    this.#pending = pending;
    this.#done = 0;
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

  #next(): PendingTask | undefined {
    if (this.#done < this.#pending.length) return this.#pending[this.#done++];
    this.#pending = [];
    this.#done = 0;
    return undefined;
  }

  #read({ entry, task: name, acceptedAt }: PendingTask): ReplayedTask | undefined {
    const { id, attempt, interrupted, retries } = entry;
    let read: ReadEntry;
    try {
      read = this.#reader.read(entry);
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

function isInOrder(tasks: readonly PendingTask[]): boolean {
  let before: PendingTask | undefined;
  for (const task of tasks) {
    if (before !== undefined && byAcceptance(before, task) > 0) return false;
    before = task;
  }
  return true;
}

// Hands out the unfinished tasks of dead processes, in the order of their acceptance. Each is read when it is asked for.
import type { Logger } from "../../base/logger.js";
import type { DeadLetters } from "../dead-letters/dead-letters.js";
import type { FileSystem } from "../files/file-system.js";
import { decodeContent, type TaskContent } from "../format/content.js";
import { EntryReader, type ReadEntry } from "../log/entry-reader.js";
import type { ReplayedTask } from "../replayed-task.js";
import { byAcceptance, type PendingTask } from "./recovered-log.js";

export class Replay {
  // In reverse, so that the next one is at the end.
  #pending: PendingTask[] = [];
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
    this.#pending = [...this.#pending, ...tasks].sort((a, b) => byAcceptance(b, a));
  }

  *tasks(): Generator<ReplayedTask, void, void> {
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) {
      const task = this.#read(next);
      if (task !== undefined) yield task;
    }
    this.#reader.close();
  }

  /** Leaves the tasks that have not been handed out to the next process. */
  close(): void {
    this.#reader.close();
  }

  #read({ entry, task: name, acceptedAt }: PendingTask): ReplayedTask | undefined {
    const { id, attempt, interrupted, retries } = entry;
    let read: ReadEntry;
    try {
      read = this.#reader.read(entry);
    } catch (error) {
      this.logger.error({ id, task: name, err: error }, "journal: a task cannot be read; it stays in the journal");
      return undefined;
    }
    let content: TaskContent;
    try {
      content = decodeContent(read.record.encoding, read.bytes.subarray(read.record.contentStart, read.record.end));
    } catch {
      const error = new Error(`Node ${process.version} cannot read the payload, which a newer version wrote`);
      this.logger.error(
        { id, task: name },
        "journal: this version of Node.js cannot read a payload; its task goes to the dead letters",
      );
      this.deadLetters.add(entry, "unreadable", error);
      return undefined;
    }
    const { payload, dispatch, context } = content;
    return { entry, id, name, payload, dispatch, context, attempt, interrupted, acceptedAt, retries };
  }
}

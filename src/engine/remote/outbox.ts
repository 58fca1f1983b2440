// The tasks that wait for the queue elsewhere. They are on record, and only some of them are under way at a time: the payloads of the
// others stay in the record, however many there are.
import { AsyncLocalStorage } from "node:async_hooks";
import { OffloadError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import { nextTurn, now, setTimer } from "../../base/time.js";
import { codeOf, lines, write } from "../../core/log/lines.js";
import { toError, type WireError } from "../../core/payload/thrown.js";
import { name, type Task } from "../../core/task.js";
import type { Store } from "../../store/store.js";
import type { EngineHost } from "../engine.js";
import { Lanes } from "../queue/lanes.js";
import type { EngineThread } from "./engine-thread.js";
import { ForwardMessage } from "./forward-message.js";

export interface OutboxParts {
  /** Of the engine. */
  readonly engine: string;
  readonly store: Pick<Store, "contentOf" | "recordOf" | "holdsPayloads">;
  readonly thread: Pick<EngineThread, "isThere" | "post" | "ask" | "need">;
  readonly logger: Logger;
}

/** Tasks and bytes that are under way at the most. */
const mostUnderWay = 1_000;
const mostBytesUnderWay = 4 * 1024 * 1024;

/** What comes within so many ms of a message leaves together: a message costs the main thread as much as several tasks. */
const apart = 5;

interface UnderWay {
  readonly task: Task;
  readonly bytes: number;
}

const outsideOfRequests = AsyncLocalStorage.snapshot();

export class Outbox {
  readonly #parts: OutboxParts;
  readonly #lanes = new Lanes();
  /** Tasks of paused names that were passed over. */
  readonly #aside = new Map<string, Set<Task>>();
  /** By their number. */
  readonly #underWay = new Map<number, UnderWay>();
  #bytesUnderWay = 0;
  /** Tasks that ended here while they were under way. */
  readonly #withdrawn = new Map<number, Task>();
  readonly #pausedNames = new Set<string>();
  #host: EngineHost | undefined;
  #paused = false;
  #halted = false;
  #scheduled = false;
  #sentAt = Number.NEGATIVE_INFINITY;
  #backlog = 0;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  start(host: EngineHost): void {
    this.#host = host;
  }

  /** Tasks that the queue does not have yet. */
  get backlog(): number {
    return this.#backlog;
  }

  add(task: Task): void {
    this.#backlog++;
    this.#parts.thread.need("backlog", true);
    if (this.#parts.store.holdsPayloads) this.#host?.shed(task);
    this.#lanes.push(task);
    this.#sendSoon();
  }

  /** A task is about to end here without having been forwarded. */
  remove(task: Task): void {
    const { name } = task.definition;
    if (this.#arrived(task.seq) !== undefined) this.#withdrawn.set(task.seq, task);
    else if (this.#aside.get(name)?.delete(task) !== true) this.#lanes.remove();
    this.#left();
  }

  pause(name?: string): void {
    if (name === undefined) this.#paused = true;
    else this.#pausedNames.add(name);
  }

  resume(name?: string): void {
    if (name === undefined) {
      this.#paused = false;
    } else {
      this.#pausedNames.delete(name);
      for (const task of this.#aside.get(name) ?? []) this.#lanes.push(task);
      this.#aside.delete(name);
    }
    this.#sendSoon();
  }

  /** Sends nothing more. */
  halt(): void {
    this.#halted = true;
  }

  /** What was under way is sent again: the thread that had it is gone. */
  sendAgain(): void {
    for (const { task } of [...this.#underWay.values()].reverse()) this.#lanes.pushFront(task);
    this.#underWay.clear();
    this.#bytesUnderWay = 0;
    // The thread may have forwarded these before it ended.
    if (!this.#halted) for (const task of this.#withdrawn.values()) this.#takeBack(task);
    this.#withdrawn.clear();
    this.#sendSoon();
  }

  /** The queue has these tasks. */
  forwarded(seqs: readonly number[]): void {
    this.#host?.together(() => {
      for (const seq of seqs) {
        const task = this.#arrived(seq);
        if (task === undefined) this.#forwardedYet(seq);
        else {
          this.#left();
          this.#host?.handedOver(task);
        }
      }
    });
    this.#sendSoon();
  }

  /** The queue will never take this task. */
  refused(seq: number, error: WireError): void {
    this.#withdrawn.delete(seq);
    const task = this.#arrived(seq);
    if (task === undefined) return;
    this.#left();
    this.#host?.together(() => this.#refused(task, toError(error)));
    this.#sendSoon();
  }

  /** The thread did not find the records of these where they were, so their contents are sent. */
  unread(seqs: readonly number[]): void {
    this.#host?.together(() => {
      const message = new ForwardMessage();
      for (const seq of seqs) {
        this.#withdrawn.delete(seq);
        const task = this.#arrived(seq);
        if (task !== undefined) this.#add(message, task, false);
      }
      message.post(this.#parts.thread);
    });
    this.#sendSoon();
  }

  /** A task that ended here while it was under way. */
  #forwardedYet(seq: number): void {
    const task = this.#withdrawn.get(seq);
    this.#withdrawn.delete(seq);
    // At the end of the process what is on record is forwarded by the next one, under the same id.
    if (task !== undefined && !this.#halted) this.#takeBack(task);
  }

  /** The task of this number is under way no more; undefined if it was not. */
  #arrived(seq: number): Task | undefined {
    const found = this.#underWay.get(seq);
    if (found === undefined) return undefined;
    this.#underWay.delete(seq);
    this.#bytesUnderWay -= found.bytes;
    return found.task;
  }

  get #mayGo(): boolean {
    if (this.#halted || this.#paused || !this.#parts.thread.isThere) return false;
    return this.#underWay.size < mostUnderWay && this.#bytesUnderWay < mostBytesUnderWay;
  }

  /** A task was cancelled here while it was under way, and now the queue has it. */
  #takeBack({ id }: Task): void {
    const { engine, thread, logger } = this.#parts;
    const fields = { kind: "task", id, engine };
    thread.ask({ what: "remove", id }).then(
      (answer) => {
        if (answer === "running") write(logger, lines.forwardedYet, fields, { end: "runs" });
      },
      (err) => write(logger, lines.forwardedYet, { ...fields, code: codeOf(err), err }, { end: "may run" }),
    );
  }

  #refused(task: Task, cause: Error): void {
    const message = `${name(task)} was refused by the queue of the engine ${this.#parts.engine}: ${cause.message}`;
    this.#host?.failed(task, new OffloadError("AR_NOT_FORWARDED", message, { cause }), false);
  }

  #left(): void {
    this.#backlog--;
    if (this.#backlog === 0) this.#parts.thread.need("backlog", false);
  }

  #sendSoon(): void {
    if (this.#scheduled || this.#lanes.length === 0) return;
    this.#scheduled = true;
    const send = (): void => {
      this.#scheduled = false;
      this.#host?.together(() => this.#send());
    };
    outsideOfRequests(() => {
      const pause = this.#sentAt + apart - now();
      if (pause > 0) setTimer(send, pause);
      else nextTurn(send);
    });
  }

  #send(): void {
    while (this.#mayGo) {
      const message = new ForwardMessage();
      for (let task = this.#next(); task !== undefined; task = message.isFull ? undefined : this.#next()) {
        this.#add(message, task, true);
      }
      if (message.isEmpty) return;
      message.post(this.#parts.thread);
      this.#sentAt = now();
    }
  }

  /** @param isReadThere whether the thread may read its record; otherwise the content is sent */
  #add(message: ForwardMessage, task: Task, isReadThere: boolean): void {
    const { store } = this.#parts;
    try {
      const record = isReadThere ? store.recordOf(task) : undefined;
      const bytes =
        record === undefined ? message.addContent(task, store.contentOf(task)) : message.addRecord(task, record);
      this.#underWay.set(task.seq, { task, bytes });
      this.#bytesUnderWay += bytes;
    } catch (error) {
      this.#left();
      this.#refused(task, error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** The next task that may go, taken out. */
  #next(): Task | undefined {
    for (let task = this.#lanes.peek(); task !== undefined; task = this.#lanes.peek()) {
      const { name } = task.definition;
      if (!this.#pausedNames.has(name)) return this.#lanes.take();
      this.#lanes.setAside();
      const aside = this.#aside.get(name) ?? new Set();
      this.#aside.set(name, aside.add(task));
    }
    return undefined;
  }
}

// The tasks that wait for the queue elsewhere. They are on record, and only some of them are under way at a time: the payloads of the
// others stay in the record, however many there are.
import { AsyncLocalStorage } from "node:async_hooks";
import { OffloadError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import { nextTurn } from "../../base/time.js";
import { codeOf, lines, write } from "../../core/log/lines.js";
import { toError } from "../../core/payload/thrown.js";
import { name, type Task } from "../../core/task.js";
import type { Store } from "../../store/store.js";
import type { EngineHost } from "../engine.js";
import { Lanes } from "../queue/lanes.js";
import type { EngineThread } from "./engine-thread.js";
import { ForwardMessage } from "./forward-message.js";
import type { Forwarded } from "./protocol.js";

export interface OutboxParts {
  /** Of the engine. */
  readonly engine: string;
  readonly store: Pick<Store, "contentOf" | "holdsPayloads">;
  readonly thread: Pick<EngineThread, "isThere" | "post" | "ask" | "need">;
  readonly logger: Logger;
}

/** Tasks and bytes that are under way at the most. */
const mostUnderWay = 1_000;
const mostBytesUnderWay = 4 * 1024 * 1024;

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
  readonly #underWay = new Map<string, UnderWay>();
  #bytesUnderWay = 0;
  /** Ids of tasks that ended here while they were under way. */
  readonly #withdrawn = new Set<string>();
  readonly #pausedNames = new Set<string>();
  #host: EngineHost | undefined;
  #paused = false;
  #halted = false;
  #scheduled = false;
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
    if (this.#arrived(task.id) !== undefined) this.#withdrawn.add(task.id);
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
    if (!this.#halted) for (const id of this.#withdrawn) this.#takeBack(id);
    this.#withdrawn.clear();
    this.#sendSoon();
  }

  /** The queue has these tasks, or will never take them. */
  received(forwarded: readonly Forwarded[]): void {
    this.#host?.together(() => {
      for (const one of forwarded) this.#received(one);
    });
    this.#sendSoon();
  }

  #received({ id, error }: Forwarded): void {
    const task = this.#arrived(id);
    if (task === undefined) {
      // At the end of the process what is on record is forwarded by the next one, under the same id.
      if (this.#withdrawn.delete(id) && error === undefined && !this.#halted) this.#takeBack(id);
      return;
    }
    this.#left();
    if (error === undefined) this.#host?.handedOver(task);
    else this.#refused(task, toError(error));
  }

  /** The task of this id is under way no more; undefined if it was not. */
  #arrived(id: string): Task | undefined {
    const found = this.#underWay.get(id);
    if (found === undefined) return undefined;
    this.#underWay.delete(id);
    this.#bytesUnderWay -= found.bytes;
    return found.task;
  }

  get #mayGo(): boolean {
    if (this.#halted || this.#paused || !this.#parts.thread.isThere) return false;
    return this.#underWay.size < mostUnderWay && this.#bytesUnderWay < mostBytesUnderWay;
  }

  /** A task was cancelled here while it was under way, and now the queue has it. */
  #takeBack(id: string): void {
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
    outsideOfRequests(() =>
      nextTurn(() => {
        this.#scheduled = false;
        this.#host?.together(() => this.#send());
      }),
    );
  }

  #send(): void {
    while (this.#mayGo) {
      const message = new ForwardMessage();
      for (let task = this.#next(); task !== undefined; task = message.isFull ? undefined : this.#next()) {
        try {
          const bytes = message.add(task, this.#parts.store.contentOf(task));
          this.#underWay.set(task.id, { task, bytes });
          this.#bytesUnderWay += bytes;
        } catch (error) {
          this.#left();
          this.#refused(task, error instanceof Error ? error : new Error(String(error)));
        }
      }
      if (message.isEmpty) return;
      message.post(this.#parts.thread);
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

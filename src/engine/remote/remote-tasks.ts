// The engine of tasks where the option `engine` is given: what a dispatch releases goes to a queue elsewhere, and what that queue
// delivers goes to the local engine.
import type { OffloadError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import { codeOf, lines, write } from "../../core/log/lines.js";
import { toError, type WireError } from "../../core/payload/thrown.js";
import type { Task } from "../../core/task.js";
import type { Readmit, Store } from "../../store/store.js";
import type { Engine, EngineHost } from "../engine.js";
import { Deliveries } from "./delivery/deliveries.js";
import { type EngineState, EngineStatus } from "./engine-status.js";
import { EngineThread } from "./engine-thread.js";
import { EngineFailures } from "./failures.js";
import { hostThatTells } from "./loading-host.js";
import type { EngineRole } from "./options.js";
import { Outbox } from "./outbox.js";
import type { FromEngine } from "./protocol.js";
import type { EngineChoice } from "./remote-engine.js";
import { Transactions } from "./transaction/transactions.js";

export interface RemoteTasksParts {
  readonly choice: EngineChoice;
  readonly role: EngineRole;
  readonly local: Engine;
  readonly store: Store;
  readonly logger: Logger;
  /** Tasks that the local engine runs at the same time. */
  readonly places: number;
  readonly readmit: Readmit;
}

const noHost = {} as EngineHost;

export class RemoteTasks implements Engine {
  readonly thread: EngineThread;
  readonly failures: EngineFailures;
  readonly transactions: Transactions;
  #host: EngineHost = noHost;
  readonly #parts: RemoteTasksParts;
  readonly #local: Engine;
  readonly #outbox: Outbox;
  readonly #deliveries: Deliveries;
  readonly #status: EngineStatus;
  /** Tasks that take a place here although the queue has not delivered them. */
  readonly #own = new Set<Task>();

  constructor(parts: RemoteTasksParts) {
    const { choice, local, store, logger } = parts;
    this.#parts = parts;
    this.#local = local;
    this.transactions = new Transactions(choice);
    this.thread = new EngineThread(choice, {
      message: (message) => this.#receive(message),
      gone: (error) => this.#threadIsGone(error),
      started: () => {
        this.#outbox.sendAgain();
        this.#deliveries.goOn();
      },
    });
    const { thread } = this;
    this.failures = new EngineFailures(thread);
    this.#outbox = new Outbox({ engine: choice.name, store, thread, logger });
    this.#deliveries = new Deliveries({
      ...parts,
      engine: choice.name,
      thread,
      places: () => parts.places - this.#own.size,
    });
    this.#status = new EngineStatus({ name: choice.name, outbox: this.#outbox, thread, logger });
  }

  get name(): string {
    return this.#local.name;
  }

  start(host: EngineHost): void {
    this.#host = host;
    this.#outbox.start(host);
    this.#deliveries.start(host);
    this.thread.start();
    const tells = hostThatTells(host, (isLoaded) => {
      if (isLoaded) this.#deliveries.release("loading");
      else this.#deliveries.hold("loading");
    });
    this.#local.start(tells);
    if (this.#parts.role === "dispatch") this.#deliveries.stop();
    else this.#local.prepare();
  }

  prepare(): void {
    this.#local.prepare();
  }

  add(task: Task): void {
    if (task.route === "inserted") {
      this.transactions.insert(task, this.#host);
      return;
    }
    // What is not on record has been dispatched under test.
    if (task.route === "forward" && this.#parts.store.has(task)) this.#outbox.add(task);
    else {
      if (task.route !== "delivered") this.#own.add(task);
      this.#local.add(task);
    }
  }

  remove(task: Task): void {
    if (task.route === "inserted") return;
    if (task.route === "forward" && this.#parts.store.has(task)) this.#outbox.remove(task);
    else this.#local.remove(task);
  }

  stop(task: Task, reason: OffloadError): "unbegun" | "stopping" | "ended" {
    if (reason.code === "AR_ABANDONED") this.#deliveries.giveBack(task);
    return this.#local.stop(task, reason);
  }

  delay(task: Task, delayMs: number, error: unknown): boolean {
    return this.#deliveries.delay(task, delayMs, error);
  }

  ended(task: Task): void {
    if (this.#own.delete(task)) this.#deliveries.goOn();
    else this.#deliveries.ended(task);
  }

  want(task: Task): void {
    this.#local.want(task);
  }

  pause(task?: string): void {
    if (task === undefined) this.#deliveries.hold("paused");
    this.#outbox.pause(task);
    this.#local.pause(task);
    // What waits here by then goes back.
    if (task !== undefined) this.#deliveries.pauseName(task, true);
  }

  resume(task?: string): void {
    this.#local.resume(task);
    this.#outbox.resume(task);
    if (task === undefined) this.#deliveries.release("paused");
    else this.#deliveries.pauseName(task, false);
  }

  /** Takes no tasks while the offloader drains and goes on afterwards; see `drain` for the last time. */
  rest(isResting: boolean): void {
    if (isResting) this.#deliveries.hold("draining");
    else this.#deliveries.release("draining");
  }

  drain(): void {
    this.#deliveries.stop();
  }

  halt(): void {
    this.#deliveries.stop();
    this.#outbox.halt();
    this.#local.halt();
  }

  async close(timeout: number): Promise<void> {
    this.#deliveries.stop();
    this.#outbox.halt();
    await Promise.all([this.#local.close(timeout), this.thread.close(timeout)]);
  }

  get unended(): number {
    return this.#local.unended + this.thread.unended;
  }

  state(): EngineState {
    return this.#status.read();
  }

  #receive(message: FromEngine): void {
    switch (message.kind) {
      case "state":
        this.#status.changed(message.up, message.error && toError(message.error));
        break;
      case "refusing":
        this.#status.refusing(message.error && toError(message.error));
        break;
      case "forwarded":
        this.#outbox.forwarded(message.seqs);
        break;
      case "refused":
        this.#outbox.refused(message.seq, message.error);
        break;
      case "unread":
        this.#outbox.unread(message.seqs);
        break;
      case "delivered":
        this.#deliveries.delivered(message.tasks);
        break;
      case "unreadable":
        this.#deliveries.unreadable(message.delivery, message.task, message.error);
        break;
      case "lost":
        this.#deliveries.lost(message.delivery);
        break;
      case "unsettled":
        this.#unsettled(message.id, message.error);
    }
  }

  #unsettled(id: string, error: WireError): void {
    const { choice, logger } = this.#parts;
    const err = toError(error);
    write(logger, lines.unsettled, { kind: "task", id, engine: choice.name, code: codeOf(err), err });
  }

  #threadIsGone(error: Error): void {
    this.#status.changed(false, error);
    this.#deliveries.allLost();
  }
}

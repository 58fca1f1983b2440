// The tasks that the queue elsewhere has given to this process: each is run by the local engine, and the queue is told how it ended.
import { OffloadError, withoutStack } from "../../../base/errors.js";
import type { Logger } from "../../../base/logger.js";
import { clearTicker, microtask, setTicker, type Timer } from "../../../base/time.js";
import { errorOf } from "../../../core/lazy-error.js";
import { codeOf, lines, write } from "../../../core/log/lines.js";
import { toError, type WireError } from "../../../core/payload/thrown.js";
import { toWire } from "../../../core/payload/to-wire.js";
import { isFinal } from "../../../core/states.js";
import { name, type Task } from "../../../core/task.js";
import type { Readmit } from "../../../store/store.js";
import type { Engine, EngineHost } from "../../engine.js";
import type { EngineThread } from "../engine-thread.js";
import type { DeliveredTask, DeliveryEnd, NumberedTask, WireVerdict } from "../protocol.js";
import { storedFrom, verdictOf } from "./delivered.js";
import { Lookahead } from "./lookahead.js";
import { Returns } from "./returns.js";

export interface DeliveriesParts {
  /** Of the engine. */
  readonly engine: string;
  /** How many tasks the threads can run beside those that were not delivered. */
  readonly places: () => number;
  readonly local: Engine;
  readonly thread: Pick<EngineThread, "isThere" | "post" | "need">;
  readonly logger: Logger;
  /** Accepts a delivered task here. */
  readonly readmit: Readmit;
  readonly returns?: Returns;
}

/** So many workers may die while they have a task, as `journal.maxStarts` says of processes by default. */
const mostCrashes = 3;

/** How long a task of a paused name stays away, in ms. */
const pausedMs = 1_000;

/** What was taken ahead goes back if it has not begun for so long, and no more is taken ahead after such a pause, in ms. */
const longestAhead = 50;

/** Why nothing is taken for a while. */
type Hold = "loading" | "paused" | "draining";

export class Deliveries {
  readonly #parts: DeliveriesParts;
  readonly #returns: Returns;
  /** The delivered tasks that have not been settled, by the number of their delivery and the other way round. */
  readonly #tasks = new Map<number, Task>();
  readonly #numbers = new Map<Task, number>();
  readonly #holds = new Set<Hold>(["loading"]);
  readonly #pausedNames = new Set<string>();
  readonly #lookahead = new Lookahead();
  /** Runs while tasks may be taken ahead. */
  #looking: Timer | undefined;
  /** The last delivery, and the last one at the look before. */
  #last = 0;
  #lastLook = 0;
  /** Tasks that workers have died with. No other task shares their fate, as far as that is known before. */
  #suspects = 0;
  /** Credits that are out. */
  #granted = 0;
  /** What the next message to the thread says. */
  #ends: DeliveryEnd[] = [];
  #credits = 0;
  #isPosting = false;
  #stopped = false;
  #host: EngineHost | undefined;

  constructor(parts: DeliveriesParts) {
    this.#parts = parts;
    this.#returns = parts.returns ?? new Returns();
  }

  start(host: EngineHost): void {
    this.#host = host;
  }

  /** Takes no more tasks until `release`. What comes all the same goes back. */
  hold(why: Hold): void {
    this.#holds.add(why);
  }

  release(why: Hold): void {
    if (this.#holds.delete(why)) this.#grant();
  }

  /** A task of this name goes back, because it would keep its place from others. Another worker may run it. */
  pauseName(name: string, isPaused: boolean): void {
    if (isPaused) this.#pausedNames.add(name);
    else this.#pausedNames.delete(name);
  }

  /** Takes nothing any more. What runs goes on. */
  stop(): void {
    this.#post();
    if (this.#stopped) return;
    this.#stopped = true;
    this.#stopLooking();
    this.#parts.thread.post({ kind: "stop" });
    this.#parts.thread.need("deliveries", false);
  }

  delivered(tasks: readonly NumberedTask[]): void {
    const accept = (): void => {
      for (const { delivery, task } of tasks) this.#delivered(delivery, task);
    };
    this.#host?.together(accept);
    this.#grant();
  }

  #delivered(number: number, task: DeliveredTask): void {
    this.#granted = Math.max(0, this.#granted - 1);
    this.#last = number;
    if (this.#stopped || this.#holds.size > 0) {
      this.#settle(number, { as: "returned", delayMs: 0 });
      return;
    }
    if (this.#pausedNames.has(task.name)) {
      this.#settle(number, { as: "returned", delayMs: pausedMs });
      return;
    }
    if (task.crashes >= mostCrashes) {
      this.#crashed(number, task);
      return;
    }
    if (task.crashes > 0) this.#giveBackAhead();
    try {
      this.#parts.readmit(storedFrom(task), (made) => {
        made.route = "delivered";
        this.#tasks.set(number, made);
        this.#numbers.set(made, number);
        if (made.runsAlone) this.#suspects++;
      });
    } catch (error) {
      const isUnknown = error instanceof OffloadError && error.code === "AR_UNKNOWN_TASK";
      this.#cannotRun(number, task, isUnknown ? "unknown-task" : "unreadable", error);
    }
  }

  unreadable(number: number, task: Pick<DeliveredTask, "id" | "name">, error: WireError): void {
    this.#granted = Math.max(0, this.#granted - 1);
    this.#cannotRun(number, task, "unreadable", toError(error));
    this.#grant();
  }

  /** Another worker may have been given the task: it ends here, and its end is not told. */
  lost(number: number): void {
    const task = this.#forget(number);
    if (task === undefined || isFinal(task.state)) return;
    const { local, logger } = this.#parts;
    const { definition, id } = task;
    write(logger, lines.lockLost, { task: definition.name, kind: definition.kind, id });
    this.#host?.together(() => {
      const message = `${name(task)} lost its lock, and another worker may run it`;
      if (task.state === "queued") local.remove(task);
      else if (local.stop(task, withoutStack("AR_RUN_ELSEWHERE", message)) !== "unbegun") return;
      this.#host?.handedOver(task);
    });
    this.#grant();
  }

  /** The thread of the engine is gone, and with it every lock. */
  allLost(): void {
    this.#granted = 0;
    this.#ends = [];
    this.#credits = 0;
    for (const number of [...this.#tasks.keys()]) this.lost(number);
  }

  /** There is a thread again, or more places. */
  goOn(): void {
    this.#grant();
  }

  /** An attempt failed. @returns whether the queue keeps the task until the next one */
  delay(task: Task, delayMs: number, error: unknown): boolean {
    if (task.route !== "delivered") return false;
    this.#end(task, { as: "retry", delayMs, error: toWire(errorOf(error)) });
    this.#host?.handedOver(task);
    return true;
  }

  /** The shutdown deadline has come: another worker may begin while this one ends. */
  giveBack(task: Task): void {
    this.#end(task, { as: "returned", delayMs: 0 });
  }

  ended(task: Task): void {
    if (task.route !== "delivered" || !this.#numbers.has(task)) return;
    this.#lookahead.ended(task.definition.expectedMs);
    const error = errorOf(task.outcome);
    const code = error instanceof OffloadError ? error.code : undefined;
    if (task.state === "failed" && code === "AR_UNKNOWN_TASK") {
      const number = this.#numbers.get(task) ?? -1;
      this.#forget(number);
      this.#cannotRun(number, { id: task.id, name: task.definition.name }, "unknown-task", error);
      this.#grant();
    } else {
      this.#end(task, verdictOf(task, code, error));
    }
  }

  #end(task: Task, verdict: WireVerdict): void {
    const number = this.#numbers.get(task);
    if (number === undefined) return;
    this.#forget(number);
    this.#settle(number, verdict);
    this.#grant();
  }

  #cannotRun(number: number, task: Pick<DeliveredTask, "id" | "name">, reason: string, error: unknown): void {
    const delayMs = this.#returns.next(task.id);
    if (delayMs !== undefined) {
      this.#settle(number, { as: "returned", delayMs });
      return;
    }
    const { id, name: taskName } = task;
    const fields = { task: taskName, kind: "task", id, code: codeOf(error), err: error };
    write(this.#parts.logger, lines.runsNowhere, fields);
    this.#settle(number, { as: "failed", reason, error: toWire(error) });
  }

  /** It would take one worker after the other down. */
  #crashed(number: number, { id, name: taskName, crashes }: DeliveredTask): void {
    const message = `${crashes} workers died while they ran the task`;
    const fields = { task: taskName, kind: "task", id, count: crashes };
    write(this.#parts.logger, lines.workersDied, fields, { count: crashes });
    this.#settle(number, { as: "failed", reason: "crashed", error: toWire(new Error(message)) });
  }

  #settle(delivery: number, verdict: WireVerdict): void {
    this.#ends.push({ delivery, verdict });
    this.#postSoon();
  }

  /** What belongs to one turn travels in one message, because each costs both threads more than what is in it. */
  #postSoon(): void {
    if (this.#isPosting) return;
    this.#isPosting = true;
    microtask(() => this.#post());
  }

  #post(): void {
    this.#isPosting = false;
    const [ends, credits] = [this.#ends, this.#credits];
    if (ends.length === 0 && credits === 0) return;
    this.#ends = [];
    this.#credits = 0;
    this.#parts.thread.post({ kind: "deliveries", ends, credits });
  }

  #forget(number: number): Task | undefined {
    const task = this.#tasks.get(number);
    this.#tasks.delete(number);
    if (task === undefined) return undefined;
    this.#numbers.delete(task);
    if (task.runsAlone) this.#suspects--;
    return task;
  }

  /** How many deliveries may be here or on their way. */
  #most(): number {
    const places = this.#parts.places();
    const ahead = this.#suspects > 0 ? 0 : this.#lookahead.tasks;
    if (ahead > 0) this.#looking ??= setTicker(() => this.#look(), longestAhead).unref();
    return places * (1 + ahead);
  }

  /** Is what was taken ahead of use? */
  #look(): void {
    const before = this.#lastLook;
    this.#lastLook = this.#last;
    if (this.#last === before || this.#waiting().some(([number]) => number <= before)) this.#giveBackAhead();
  }

  /** Other workers may have room. Takes nothing ahead until tasks have ended. */
  #giveBackAhead(): void {
    this.#lookahead.forget();
    this.#stopLooking();
    const places = Math.max(0, this.#parts.places());
    for (const [, task] of this.#waiting().reverse()) {
      if (this.#tasks.size <= places) break;
      this.#parts.local.remove(task);
      this.#end(task, { as: "returned", delayMs: 0 });
      this.#host?.handedOver(task);
    }
    const fewer = Math.min(this.#granted, this.#granted + this.#tasks.size - places);
    if (fewer <= 0) return;
    this.#granted -= fewer;
    this.#credits -= fewer;
    this.#postSoon();
  }

  /** What has not begun, in the order of delivery. */
  #waiting(): [number, Task][] {
    return [...this.#tasks].filter(([, { state }]) => state === "queued");
  }

  #stopLooking(): void {
    clearTicker(this.#looking);
    this.#looking = undefined;
  }

  /** Offers the places that are free. */
  #grant(): void {
    if (this.#stopped || this.#holds.size > 0) return;
    this.#parts.thread.need("deliveries", true);
    if (!this.#parts.thread.isThere) return;
    const more = this.#most() - this.#granted - this.#tasks.size;
    if (more <= 0) return;
    this.#granted += more;
    this.#credits += more;
    this.#postSoon();
  }
}

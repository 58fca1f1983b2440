// The tasks that the queue elsewhere has given to this process: each is run by the local engine, and the queue is told how it ended.
import { OffloadError, withoutStack } from "../../../base/errors.js";
import type { Logger } from "../../../base/logger.js";
import type { TaskDefinition } from "../../../core/definition.js";
import { errorOf } from "../../../core/lazy-error.js";
import { lines, write } from "../../../core/log/lines.js";
import { toError, type WireError } from "../../../core/payload/thrown.js";
import { toWire } from "../../../core/payload/to-wire.js";
import { isFinal } from "../../../core/states.js";
import { name, type Task } from "../../../core/task.js";
import type { Readmit } from "../../../store/store.js";
import type { Engine, EngineHost } from "../../engine.js";
import type { EngineThread } from "../engine-thread.js";
import type { DeliveredTask, NumberedTask, WireVerdict } from "../protocol.js";
import { Alone } from "./alone.js";
import { storedFrom, verdictOf } from "./delivered.js";
import { Limited } from "./limited.js";
import { Lookahead } from "./lookahead.js";
import { Outgoing } from "./outgoing.js";
import { mostCrashes, Unrunnable } from "./unrunnable.js";

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
}

/** How long a task of a paused name stays away, in ms. */
const pausedMs = 1_000;

/** Why nothing is taken for a while. */
type Hold = "loading" | "paused" | "draining";

export class Deliveries {
  readonly #parts: DeliveriesParts;
  readonly #unrunnable: Unrunnable;
  /** The delivered tasks that have not been settled, by the number of their delivery and the other way round. */
  readonly #tasks = new Map<number, Task>();
  readonly #numbers = new Map<Task, number>();
  readonly #holds = new Set<Hold>(["loading"]);
  readonly #pausedNames = new Set<string>();
  readonly #outgoing: Outgoing;
  readonly #lookahead = new Lookahead({
    oldestWaiting: () => this.#waiting()[0]?.[0],
    giveBack: () => this.#giveBackAhead(),
  });
  readonly #alone = new Alone();
  readonly #limited = new Limited((upTo) => this.#giveBackLimited(upTo));
  /** Credits that are out. */
  #granted = 0;
  #stopped = false;
  #host: EngineHost | undefined;

  constructor(parts: DeliveriesParts) {
    this.#parts = parts;
    this.#outgoing = new Outgoing(parts.thread);
    this.#unrunnable = new Unrunnable(parts.logger);
  }

  start(host: EngineHost): void {
    this.#host = host;
  }

  /** Takes no more tasks until `release`. What comes all the same goes back. */
  hold(why: Hold): void {
    this.#holds.add(why);
    this.#giveBackAlone();
  }

  release(why: Hold): void {
    if (this.#holds.delete(why)) this.#grant();
  }

  /** A task of this name goes back, because it would keep its place from others. Another worker may run it. */
  pauseName(name: string, isPaused: boolean): void {
    if (!isPaused) {
      this.#pausedNames.delete(name);
      return;
    }
    this.#pausedNames.add(name);
    this.#host?.together(() => {
      for (const [, task] of this.#waiting()) if (task.definition.name === name) this.#sendBack(task, pausedMs);
    });
  }

  /** Takes nothing any more. What runs goes on. */
  stop(): void {
    if (!this.#stopped) {
      this.#giveBackAhead();
      this.#giveBackAlone();
    }
    this.#outgoing.post();
    if (this.#stopped) return;
    this.#stopped = true;
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
    this.#lookahead.delivered(number);
    if (this.#stopped || this.#holds.size > 0) {
      this.#outgoing.end(number, { as: "returned", delayMs: 0 });
      return;
    }
    if (this.#pausedNames.has(task.name)) {
      this.#outgoing.end(number, { as: "returned", delayMs: pausedMs });
      return;
    }
    if (task.crashes >= mostCrashes) {
      this.#outgoing.end(number, this.#unrunnable.crashed(task));
      return;
    }
    if (this.#tasks.size >= this.#most()) {
      // Its credit is of a time when more could be taken.
      this.#outgoing.end(number, { as: "returned", delayMs: 0 });
      return;
    }
    if (task.crashes === 0) {
      this.#admit(number, task);
      return;
    }
    if (this.#isAtItsLimit(task.name)) {
      this.#outgoing.end(number, { as: "returned", delayMs: this.#limited.delayOf(task.id) });
      return;
    }
    this.#alone.wait(number, () => {
      if (this.#pausedNames.has(task.name)) {
        this.#leave(number);
        this.#outgoing.end(number, { as: "returned", delayMs: pausedMs });
      } else {
        this.#host?.together(() => this.#admit(number, task));
      }
      this.#grant();
    });
    this.#giveBackAhead();
    this.#takeBack(this.#granted);
    if (this.#tasks.size === 0) this.#alone.isFree();
  }

  #admit(number: number, task: DeliveredTask): void {
    try {
      this.#parts.readmit(storedFrom(task), (made) => {
        made.route = "delivered";
        this.#tasks.set(number, made);
        this.#numbers.set(made, number);
        if (isLimited(made.definition)) this.#limited.delivered(number);
      });
    } catch (error) {
      this.#leave(number);
      const isUnknown = error instanceof OffloadError && error.code === "AR_UNKNOWN_TASK";
      this.#outgoing.end(number, this.#unrunnable.here(task, isUnknown ? "unknown-task" : "unreadable", error));
    }
  }

  unreadable(number: number, task: Pick<DeliveredTask, "id" | "name">, error: WireError): void {
    this.#granted = Math.max(0, this.#granted - 1);
    this.#outgoing.end(number, this.#unrunnable.here(task, "unreadable", toError(error)));
    this.#grant();
  }

  /** Another worker may have been given the task: it ends here, and its end is not told. */
  lost(number: number): void {
    const task = this.#forget(number);
    if (task === undefined || isFinal(task.state)) {
      this.#grant();
      return;
    }
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
    this.#outgoing.clear();
    this.#alone.giveUp();
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
      const { id, definition } = task;
      this.#end(task, this.#unrunnable.here({ id, name: definition.name }, "unknown-task", error));
    } else {
      this.#end(task, verdictOf(task, code, error));
    }
  }

  #end(task: Task, verdict: WireVerdict): void {
    const number = this.#numbers.get(task);
    if (number === undefined) return;
    this.#forget(number);
    this.#outgoing.end(number, verdict);
    this.#grant();
  }

  #forget(number: number): Task | undefined {
    const task = this.#tasks.get(number);
    this.#tasks.delete(number);
    if (task !== undefined) this.#numbers.delete(task);
    this.#leave(number);
    return task;
  }

  /** A delivery is not here any more. */
  #leave(number: number): void {
    if (!this.#alone.end(number) && this.#tasks.size === 0) this.#alone.isFree();
  }

  /** How many deliveries may be here or on their way. */
  #most(): number {
    return this.#alone.isTaken ? 0 : this.#parts.places() * (1 + this.#lookahead.tasks);
  }

  /** Other workers may have room. Takes nothing ahead until tasks have ended. */
  #giveBackAhead(): void {
    this.#lookahead.forget();
    const places = Math.max(0, this.#parts.places());
    this.#host?.together(() => {
      for (const [, task] of this.#waiting().reverse()) {
        if (this.#tasks.size <= places) break;
        this.#sendBack(task, 0);
      }
    });
    this.#takeBack(Math.min(this.#granted, this.#granted + this.#tasks.size - places));
  }

  #takeBack(credits: number): void {
    if (credits <= 0) return;
    this.#granted -= credits;
    this.#outgoing.grant(-credits);
  }

  /** The one that has not begun because others run. */
  #giveBackAlone(): void {
    const number = this.#alone.giveUp();
    if (number !== undefined) this.#outgoing.end(number, { as: "returned", delayMs: 0 });
  }

  /** The next one of a name stays, if that leaves a place for others. @returns whether there are tasks whose name has a limit */
  #giveBackLimited(upTo: number): boolean {
    const limited = [...this.#tasks].filter(([, { definition }]) => isLimited(definition));
    const waiting = limited.filter(([number, { state }]) => number <= upTo && state === "queued");
    const next = new Map([...waiting].reverse().map(([, task]) => [task.definition, task]));
    this.#host?.together(() => {
      for (const [, task] of waiting.reverse()) {
        const stays = next.get(task.definition) === task && this.#tasks.size < this.#most();
        if (!stays) this.#sendBack(task, this.#limited.delayOf(task.id));
      }
    });
    return limited.length > 0;
  }

  /** Whether as many tasks of this name are here as may run. */
  #isAtItsLimit(name: string): boolean {
    const same = [...this.#tasks.values()].filter(({ definition }) => definition.name === name);
    return same.some(({ definition }) => same.length >= definition.policy.concurrency);
  }

  #sendBack(task: Task, delayMs: number): void {
    this.#parts.local.remove(task);
    this.#end(task, { as: "returned", delayMs });
    this.#host?.handedOver(task);
  }

  /** What has not begun, in the order of delivery. */
  #waiting(): [number, Task][] {
    return [...this.#tasks].filter(([, { state }]) => state === "queued");
  }

  /** Offers the places that are free. */
  #grant(): void {
    if (this.#stopped || this.#holds.size > 0) return;
    this.#parts.thread.need("deliveries", true);
    if (!this.#parts.thread.isThere) return;
    const more = this.#most() - this.#granted - this.#tasks.size;
    if (more <= 0) return;
    this.#granted += more;
    this.#outgoing.grant(more);
  }
}

function isLimited({ policy }: TaskDefinition): boolean {
  return policy.concurrency < Number.POSITIVE_INFINITY;
}

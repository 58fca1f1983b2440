// Who waits for a thread and who is next: lanes by priority, tasks over their name's limit set aside, delayed retries, keys.

import type { TaskDefinition } from "../../../core/definition.js";
import { Delayed, realTiming, type Timing } from "../../../core/delayed.js";
import type { Ledger } from "../../../core/ledger.js";
import type { Task } from "../../../core/task.js";
import { Keys } from "../../../intake/keys.js";
import { Lanes } from "./lanes.js";
import { Parked } from "./waiting.js";

export class TaskQueue {
  readonly keys: Keys = new Keys();
  readonly #lanes = new Lanes();
  readonly #delayed: Delayed;
  /** Tasks that were passed over, by name; of names that have had as many running as they may. */
  readonly #parked = new Map<TaskDefinition, Parked>();

  constructor(
    private readonly ledger: Ledger,
    /** Called whenever a task can be taken that could not be before. */
    private readonly onWork: () => void,
    timing: Timing = realTiming,
  ) {
    this.#delayed = new Delayed((task) => this.add(task), timing);
    ledger.onEnd((task) => {
      const follower = this.keys.release(task);
      if (follower?.state === "queued") {
        this.#lanes.push(follower);
        this.onWork();
      }
      this.#unpark(task.definition);
    });
  }

  /** Tasks that can be taken. */
  get length(): number {
    return this.#lanes.length;
  }

  /** A task whose time has come: its response is over, or its delay. */
  add(task: Task): void {
    const mayRun = !this.keys.isWaiting(task);
    // In its place before anybody is told of it, for a listener may cancel it.
    if (mayRun) this.#lanes.push(task);
    this.ledger.queued(task);
    if (mayRun) this.onWork();
  }

  /** A task that failed and is to be tried again. */
  retry(task: Task, delayMs: number, error: unknown, runMs?: number): void {
    this.ledger.delayed(task, delayMs, error, runMs);
    this.#delayed.add(task, delayMs);
    this.#unpark(task.definition);
  }

  /** A task that was handed to a thread and never begun there goes back to the head of its lane. */
  takeBack(task: Task): void {
    this.#lanes.pushFront(task);
    this.ledger.takenBack(task);
    this.onWork();
  }

  /** The next task, if `accept` says yes to it; it counts as started. */
  take(accept: (task: Task) => boolean): Task | undefined {
    for (let task = this.#lanes.peek(); task !== undefined; task = this.#lanes.peek()) {
      if (isAtLimit(task.definition)) {
        this.#lanes.pass();
        this.#park(task);
      } else if (accept(task)) {
        this.#lanes.take();
        this.#parked.get(task.definition)?.remove(task);
        this.ledger.started(task);
        this.#unpark(task.definition);
        return task;
      } else {
        return undefined;
      }
    }
    return undefined;
  }

  /** Ends a task that is queued or delayed by `finish`, and takes its place out of account. */
  withdraw(task: Task, finish: () => void): void {
    const wasDelayed = task.state === "delayed";
    const wasInLane =
      !wasDelayed && !this.keys.isWaiting(task) && this.#parked.get(task.definition)?.remove(task) !== false;
    finish();
    if (wasDelayed) this.#delayed.forget();
    else if (wasInLane) this.#lanes.bury();
  }

  /** One more of this name may run than before: those that were set aside have their turn. */
  #unpark(definition: TaskDefinition): void {
    const parked = this.#parked.get(definition);
    if (parked === undefined || isAtLimit(definition)) return;
    for (const task of parked.next()) {
      this.#lanes.pushFront(task);
      this.onWork();
    }
  }

  #park(task: Task): void {
    const parked = this.#parked.get(task.definition) ?? new Parked();
    parked.add(task);
    this.#parked.set(task.definition, parked);
  }
}

function isAtLimit(definition: TaskDefinition): boolean {
  return definition.counts.in("running") >= definition.policy.concurrency;
}

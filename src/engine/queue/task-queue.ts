// Who waits in an engine and who is next: lanes by priority, tasks over their name's limit and paused ones set aside.
import { microtask } from "../../base/time.js";
import type { TaskDefinition } from "../../core/definition.js";
import type { Task } from "../../core/task.js";
import { Lanes } from "./lanes.js";
import { SetAside } from "./set-aside.js";

export interface QueueEvents {
  /** The task leaves the queue to be run: it must be `running` when this returns, because limits count the running tasks. */
  started(task: Task): void;
  /** There is a task to take now: a new one, or one that could not be taken before. */
  work(): void;
}

export class TaskQueue {
  readonly #lanes = new Lanes();
  /** Tasks that were passed over, by name. */
  readonly #setAside = new Map<TaskDefinition, SetAside>();
  readonly #pausedNames = new Set<string>();
  #paused = false;

  constructor(private readonly events: QueueEvents) {}

  /** Tasks that can be taken. */
  get length(): number {
    return this.#paused ? 0 : this.#lanes.length;
  }

  add(task: Task): void {
    this.#lanes.push(task);
    this.events.work();
  }

  /** A task that was taken and did not begin goes back to the head of its lane. */
  putBack(task: Task): void {
    this.#lanes.pushFront(task);
    this.events.work();
  }

  /** A task that waits here is about to leave the state `queued`. */
  remove(task: Task): void {
    const aside = this.#setAside.get(task.definition);
    if (aside?.remove(task) === false) return;
    this.#lanes.remove();
    // The next one of its name may have waited behind it.
    if (aside !== undefined) this.freed(task.definition);
  }

  /** The next task, started. */
  take(): Task | undefined {
    const task = this.peek();
    if (task !== undefined) this.start(task);
    return task;
  }

  /** The next task, which stays where it is. */
  peek(): Task | undefined {
    if (this.#paused) return undefined;
    for (let task = this.#lanes.peek(); task !== undefined; task = this.#lanes.peek()) {
      if (!this.#isBlocked(task.definition)) return task;
      this.#lanes.setAside();
      this.#keepAside(task);
    }
    return undefined;
  }

  /** Starts the task that `peek` has just given. */
  start(task: Task): void {
    this.#lanes.take();
    this.#setAside.get(task.definition)?.remove(task);
    this.events.started(task);
    this.freed(task.definition);
  }

  /** Fewer tasks of this name run than before: those that were set aside may have their turn. */
  freed(definition: TaskDefinition): void {
    const aside = this.#setAside.get(definition);
    if (aside === undefined || this.#isBlocked(definition)) return;
    for (const task of aside.next()) {
      this.#lanes.pushFront(task);
      this.events.work();
    }
  }

  /** The core is about to end a task of this name that was started and has not begun: `freed` once that is done. */
  freedSoon(definition: TaskDefinition): void {
    microtask(() => this.freed(definition));
  }

  /** Gives no more tasks, or none of this name. */
  pause(name?: string): void {
    if (name === undefined) this.#paused = true;
    else this.#pausedNames.add(name);
  }

  resume(name?: string): void {
    if (name === undefined) {
      this.#paused = false;
    } else {
      this.#pausedNames.delete(name);
      for (const definition of this.#setAside.keys()) if (definition.name === name) this.freed(definition);
    }
    this.events.work();
  }

  #keepAside(task: Task): void {
    const aside = this.#setAside.get(task.definition) ?? new SetAside();
    aside.add(task);
    this.#setAside.set(task.definition, aside);
  }

  #isBlocked({ name, counts, policy }: TaskDefinition): boolean {
    const { concurrency } = policy;
    if (concurrency !== Number.POSITIVE_INFINITY && counts.in("running") >= concurrency) return true;
    return this.#pausedNames.size > 0 && this.#pausedNames.has(name);
  }
}

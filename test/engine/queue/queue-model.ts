// The queue as one would write it without a thought for speed: lists, scanned from the start each time.
import type { Priority } from "../../../src/core/definition.js";

export type ModelState = "held" | "queued" | "running" | "delayed" | "ended";

export interface ModelTask {
  readonly index: number;
  readonly name: string;
  readonly limit: number;
  readonly priority: Priority;
  readonly key: string | undefined;
  state: ModelState;
  attempt: number;
  due: number;
  /** Place in its lane. */
  place: number;
}

export class QueueModel {
  readonly tasks: ModelTask[] = [];
  now = 0;
  /** Tasks started so far: every 16th comes from a lane below, every 256th from the lowest. */
  taken = 0;
  /**
   * A task that is taken back may meet others of its name that were set aside meanwhile. If it is set aside too, its place
   * among them is not part of the contract.
   */
  exact = true;
  paused = false;
  readonly pausedNames = new Set<string>();
  /** Tasks of these names may have been set aside because of a pause. */
  readonly #oncePaused = new Set<string>();
  #last = 0;
  #first = 0;

  accept(task: Omit<ModelTask, "index" | "state" | "attempt" | "due" | "place">): ModelTask {
    const made: ModelTask = { ...task, index: this.tasks.length, state: "held", attempt: 0, due: 0, place: 0 };
    this.tasks.push(made);
    return made;
  }

  release(task: ModelTask): void {
    task.state = "queued";
    task.place = ++this.#last;
  }

  takeBack(task: ModelTask): void {
    task.state = "queued";
    task.attempt--;
    task.place = --this.#first;
    if (this.mayBeAside(task)) this.exact = false;
  }

  retry(task: ModelTask, delayMs: number): void {
    task.state = "delayed";
    task.due = this.now + delayMs;
  }

  start(task: ModelTask): void {
    task.state = "running";
    task.attempt++;
    this.taken++;
  }

  end(task: ModelTask): void {
    task.state = "ended";
    // Who has waited for its key is in the lane from now on.
    const follower = this.in("queued").find(
      (other) => other.key !== undefined && other.key === task.key && other.name === task.name,
    );
    if (follower !== undefined && follower.index > task.index && !this.#waitsForKey(follower)) {
      follower.place = ++this.#last;
    }
  }

  pause(name: string | undefined): void {
    if (name === undefined) {
      this.paused = true;
      return;
    }
    this.pausedNames.add(name);
    this.#oncePaused.add(name);
  }

  resume(name: string | undefined): void {
    if (name === undefined) this.paused = false;
    else this.pausedNames.delete(name);
  }

  advance(ms: number): void {
    this.now += ms;
    const due = this.tasks.filter(({ state, due }) => state === "delayed" && due <= this.now);
    for (const task of due.sort((a, b) => a.due - b.due)) this.release(task);
  }

  /** The last accepted, unfinished task with the key. */
  holder(name: string, key: string): ModelTask | undefined {
    return this.unfinished().findLast((task) => task.name === name && task.key === key);
  }

  unfinished(): ModelTask[] {
    return this.tasks.filter(({ state }) => state !== "ended");
  }

  in(state: ModelState): ModelTask[] {
    return this.tasks.filter((task) => task.state === state);
  }

  /** Whether a task could be started now. */
  mayRun(task: ModelTask): boolean {
    if (task.state !== "queued" || this.paused || this.pausedNames.has(task.name)) return false;
    return !this.#waitsForKey(task) && this.#running(task.name) < task.limit;
  }

  /** Whether tasks of its name are ever set aside. */
  mayBeAside(task: ModelTask): boolean {
    return task.limit < Number.POSITIVE_INFINITY || this.#oncePaused.has(task.name);
  }

  /** Queued, and not behind another one with its key. */
  inLanes(): ModelTask[] {
    return this.in("queued").filter((task) => !this.#waitsForKey(task));
  }

  /** The tasks of which one has to be next. */
  next(): ModelTask[] {
    const open = this.tasks.filter((task) => this.mayRun(task)).sort((a, b) => a.place - b.place);
    for (const priority of this.#order()) {
      const lane = open.filter((task) => task.priority === priority);
      if (lane.length === 0) continue;
      const head = lane.find((task) => !this.mayBeAside(task));
      const names = new Set(lane.map(({ name }) => name));
      const firsts = [...names].map((name) => lane.find((task) => task.name === name));
      // Those that may have been set aside come back before the head of the lane.
      return firsts.filter((task): task is ModelTask => task !== undefined && (this.mayBeAside(task) || task === head));
    }
    return [];
  }

  #order(): readonly Priority[] {
    if (this.taken % 256 === 255) return ["low", "normal", "high"];
    return this.taken % 16 === 15 ? ["normal", "high", "low"] : ["high", "normal", "low"];
  }

  #waitsForKey(task: ModelTask): boolean {
    if (task.key === undefined) return false;
    return this.unfinished().some(
      (other) => other.index < task.index && other.name === task.name && other.key === task.key,
    );
  }

  #running(name: string): number {
    return this.in("running").filter((task) => task.name === name).length;
  }
}

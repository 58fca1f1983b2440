// At most one unfinished task of a name has a key, or two while the second waits for the first, running one to end.
import type { Task } from "../task/task.js";

export class Keys {
  readonly #latest = new Map<string, Task>();
  /** A task that waits, and the running one it waits for. */
  readonly #waitsFor = new Map<Task, Task>();

  /** The last task accepted with the key, while it is unfinished. */
  find(name: string, key: string): Task | undefined {
    return this.#latest.get(join(name, key));
  }

  /** Gives `task` its key, in the place of `current`: behind it where it is running, behind what it waits for where it waits. */
  claim(task: Task, key: string, current: Task | undefined): void {
    this.#latest.set(join(task.definition.name, key), task);
    const ahead = current && (current.state === "running" ? current : this.#waitsFor.get(current));
    if (ahead !== undefined) this.#waitsFor.set(task, ahead);
  }

  /** Whether the task may not start before another one with its key has ended. */
  isWaiting(task: Task): boolean {
    return this.#waitsFor.has(task);
  }

  /** A task has ended: its key is free, or that of the one it waited for. Returns the task that waited for it, if one did. */
  release(task: Task): Task | undefined {
    const { key } = task.dispatch;
    if (key === undefined) return undefined;
    const full = join(task.definition.name, key);
    const latest = this.#latest.get(full);
    if (latest === task) {
      const ahead = this.#waitsFor.get(task);
      if (ahead === undefined) this.#latest.delete(full);
      else this.#latest.set(full, ahead);
    }
    this.#waitsFor.delete(task);
    // Only the last one accepted can wait: those before it were cancelled for it.
    if (latest === undefined || this.#waitsFor.get(latest) !== task) return undefined;
    this.#waitsFor.delete(latest);
    return latest;
  }
}

function join(name: string, key: string): string {
  return `${name}\0${key}`;
}

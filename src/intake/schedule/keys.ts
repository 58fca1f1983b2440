// Of the unfinished tasks with one name and key, one may run at a time, and the others wait in line. There is more than one
// where a running task is replaced, and where a task of an earlier process comes back.
import type { Task } from "../../core/task.js";

export class Keys {
  readonly #last = new Map<string, Task>();
  /** For each task that waits: the one before it in its line. */
  readonly #waitsFor = new Map<Task, Task>();

  /** The last task in the line of a key; undefined if nobody has the key. */
  find(name: string, key: string): Task | undefined {
    return this.#last.get(join(name, key));
  }

  /** The line of a key, from its last task to the one that may run. */
  line(name: string, key: string): Task[] {
    const tasks: Task[] = [];
    for (let task = this.find(name, key); task !== undefined; task = this.#waitsFor.get(task)) tasks.push(task);
    return tasks;
  }

  /** Puts a task at the end of the line of its key. */
  claim(task: Task, key: string): void {
    const full = join(task.definition.name, key);
    const ahead = this.#last.get(full);
    if (ahead !== undefined) this.#waitsFor.set(task, ahead);
    this.#last.set(full, task);
  }

  /** Whether the task may not start before another one with its key has ended. */
  isWaiting(task: Task): boolean {
    return this.#waitsFor.has(task);
  }

  /**
   * A task has ended and leaves its line.
   *
   * @returns the task that may run now because of it, if there is one
   */
  release(task: Task): Task | undefined {
    const { key } = task.dispatch;
    if (key === undefined) return undefined;
    const full = join(task.definition.name, key);
    const ahead = this.#waitsFor.get(task);
    const behind = this.#behind(task, full);
    this.#waitsFor.delete(task);
    if (behind === undefined) {
      if (ahead === undefined) this.#last.delete(full);
      else this.#last.set(full, ahead);
      return undefined;
    }
    if (ahead === undefined) this.#waitsFor.delete(behind);
    else this.#waitsFor.set(behind, ahead);
    return ahead === undefined ? behind : undefined;
  }

  /** The task that waits for this one. Lines are short: mostly two tasks, more only where several processes have died. */
  #behind(task: Task, full: string): Task | undefined {
    let behind: Task | undefined;
    for (let other = this.#last.get(full); other !== undefined && other !== task; other = this.#waitsFor.get(other)) {
      behind = other;
    }
    return behind;
  }
}

function join(name: string, key: string): string {
  return `${name}\0${key}`;
}

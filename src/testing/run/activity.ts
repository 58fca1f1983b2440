// What still goes on by itself, and waiting until nothing does.
import { deferred } from "../../base/deferred.js";
import { clearTimer, inTime, setTimer, turn } from "../../base/time.js";
import type { TaskState } from "../../core/states.js";
import type { Task } from "../../core/task.js";
import type { Inside } from "../../intake/inside.js";
import type { Recorder } from "../recorder.js";

/** How many turns of the event loop something has to stay as it is. */
const quietTurns = 3;

export interface ActivityParts {
  readonly inside: Inside;
  readonly recorder: Recorder;
  /** Whether a task runs only when the test asks for it. */
  isKept(task: Task): boolean;
  /** Whether what is delayed waits for the test. */
  readonly clockStands: boolean;
}

export class Activity {
  constructor(private readonly parts: ActivityParts) {}

  /** The tasks and callbacks that go on by themselves. */
  busy(): Task[] {
    return this.parts.inside.ledger.list().filter((task) => this.#goesOn(task));
  }

  /** Whether anything goes on by itself; only what is in a state other than `except`. */
  isBusy(except?: TaskState): boolean {
    // Asked at every change, so it must not look at all tasks.
    return this.parts.inside.ledger.some((task) => task.state !== except && this.#goesOn(task));
  }

  /**
   * Waits until `isDone` says yes, asking at every change and for some turns after it.
   *
   * @param timeout ms of the real clock; undefined: no limit
   * @returns whether it did in time
   */
  async until(isDone: () => boolean, timeout?: number): Promise<boolean> {
    let expired = false;
    let look = (): void => {};
    const off = this.parts.recorder.onChange(() => look());
    const timer =
      timeout === undefined
        ? undefined
        : setTimer(() => {
            expired = true;
            look();
          }, timeout);
    try {
      for (;;) {
        let quiet = 0;
        while (quiet < quietTurns && isDone()) {
          await turn();
          quiet++;
        }
        if (quiet === quietTurns && isDone()) return true;
        if (expired) return false;
        if (isDone()) continue;
        await new Promise<void>((resolve) => {
          look = resolve;
        });
      }
    } finally {
      off();
      clearTimer(timer);
    }
  }

  /** Waits until `find` finds something, past or to come; rejects with what it throws. */
  async first(find: () => unknown, timeout: number): Promise<void> {
    const done = deferred();
    // A change comes from within a call of the application, which must not meet what a predicate of the test throws.
    const look = (): void => {
      try {
        if (find() !== undefined) done.resolve();
      } catch (error) {
        done.reject(error);
      }
    };
    const off = this.parts.recorder.onChange(look);
    try {
      look();
      await inTime(done.promise, timeout);
    } finally {
      off();
    }
  }

  /** Lets what was started react: some turns, and more while something goes on, but not for ever. */
  async react(): Promise<void> {
    for (let turns = 0; turns < quietTurns || (turns < 100 && this.isBusy()); turns++) await turn();
  }

  #goesOn(task: Task): boolean {
    const { keys, pauses } = this.parts.inside.scheduler;
    switch (task.state) {
      case "delayed":
        return !this.parts.clockStands;
      case "queued":
        return !this.parts.isKept(task) && !keys.isWaiting(task) && !pauses.holds(task.definition.name);
      default:
        return true;
    }
  }
}

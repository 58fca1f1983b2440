// Tasks of one name that were passed over, because as many of the name run as may. As soon as one more may run, the first of
// them goes back to the head of its lane, in each lane. The others wait here, so that they are not looked at again and again.
import { Deque } from "../../base/deque.js";
import { sweepPays } from "../../base/lazy-deletion.js";
import type { Priority } from "../../core/definition.js";
import type { Task } from "../../core/task.js";

interface Waiting {
  /** The next task of this lane to run. `inLane`: whether it is at the head of its lane again. */
  first: Task | undefined;
  inLane: boolean;
  readonly others: Deque<Task>;
}

export class SetAside {
  readonly #lanes: Record<Priority, Waiting> = { high: waiting(), normal: waiting(), low: waiting() };
  /** Those of `others` that still wait. The entry of a removed one stays until its turn. */
  readonly #waiting = new Set<Task>();

  /** A task that was at the head of its lane and may not run. */
  add(task: Task): void {
    const lane = this.#lanes[task.dispatch.priority];
    if (lane.first === task) {
      lane.inLane = false;
      return;
    }
    lane.others.pushBack(task);
    this.#waiting.add(task);
  }

  /** One more may run: gives the tasks to be put at the head of their lanes, at most one of each lane. */
  *next(): Generator<Task> {
    for (const lane of Object.values(this.#lanes)) {
      if (lane.inLane) continue;
      lane.first ??= this.#shift(lane.others);
      if (lane.first === undefined) continue;
      lane.inLane = true;
      yield lane.first;
    }
  }

  /** A task is started or leaves the queue. Returns whether it was in its lane. */
  remove(task: Task): boolean {
    const lane = this.#lanes[task.dispatch.priority];
    if (lane.first !== task) return !this.#removeOther(task, lane.others);
    const { inLane } = lane;
    lane.first = undefined;
    lane.inLane = false;
    return inLane;
  }

  #removeOther(task: Task, others: Deque<Task>): boolean {
    if (!this.#waiting.delete(task)) return false;
    // `#waiting` counts the tasks of all lanes, so a lane may be swept a little late.
    if (sweepPays(others.length - this.#waiting.size, others.length))
      others.filter((other) => this.#waiting.has(other));
    return true;
  }

  #shift(others: Deque<Task>): Task | undefined {
    for (let task = others.popFront(); task !== undefined; task = others.popFront()) {
      if (this.#waiting.delete(task)) return task;
    }
    return undefined;
  }
}

function waiting(): Waiting {
  return { first: undefined, inLane: false, others: new Deque() };
}

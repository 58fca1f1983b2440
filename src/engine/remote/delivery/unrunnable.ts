// What the queue is told of tasks that this worker was given and cannot run, and what the log says of them. Their name is unknown during a
// rolling deploy, or a newer version wrote them: they fail when nobody has been able to run them for a quarter of an hour.
import type { Logger } from "../../../base/logger.js";
import { codeOf, lines, write } from "../../../core/log/lines.js";
import { toWire } from "../../../core/payload/to-wire.js";
import type { DeliveredTask, WireVerdict } from "../protocol.js";
import { Returns, type ReturnsOptions } from "./returns.js";

/** So many workers may die while they have a task, as `journal.maxStarts` says of processes by default. */
export const mostCrashes = 3;

export const untilSomebodyKnows: ReturnsOptions = {
  firstDelay: 1_000,
  longestDelay: 60_000,
  giveUpAfter: 15 * 60_000,
};

export class Unrunnable {
  readonly #logger: Logger;
  readonly #returns = new Returns(untilSomebodyKnows);

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Others may know its name, or its form. It goes back until nobody has been able to run it for long enough. */
  here({ id, name }: Pick<DeliveredTask, "id" | "name">, reason: string, error: unknown): WireVerdict {
    const delayMs = this.#returns.next(id);
    if (delayMs !== undefined) return { as: "returned", delayMs };
    write(this.#logger, lines.runsNowhere, { task: name, kind: "task", id, code: codeOf(error), err: error });
    return { as: "failed", reason, error: toWire(error) };
  }

  /** It would take one worker after the other down. */
  crashed({ id, name, crashes }: DeliveredTask): WireVerdict {
    const fields = { task: name, kind: "task", id, count: crashes };
    write(this.#logger, lines.workersDied, fields, { count: crashes });
    const error = new Error(`${crashes} workers died while they had the task`);
    return { as: "failed", reason: "crashed", error: toWire(error) };
  }
}

// The errors that a careful walk has met. Their contents are copied when the rest is, because an error may hold what holds it,
// and what of them cannot be copied is left out, as with an error that a task throws.

import { ErrorMarker } from "../stream/markers.js";
import type { Collected } from "./collected.js";
import { fieldsOf, membersOf, mostCauses, text } from "./error-parts.js";
import type { Step } from "./where.js";

/** An error of the payload and the causes below it. */
const maxGenerations = mostCauses + 1;

/** The walk, as its errors need it. */
export interface Walking {
  readonly found: Collected;
  /** Where the walk is. */
  readonly steps: Step[];
  /** The copy of a part, one step further. */
  part(value: unknown, step: Step): unknown;
}

interface PendingError {
  readonly error: Error;
  readonly marker: ErrorMarker;
  readonly steps: readonly Step[];
  readonly generation: number;
}

export class ErrorQueue {
  readonly #pending: PendingError[] = [];
  #generation = 0;

  constructor(private readonly walk: Walking) {}

  /** Whether the walk is in the contents of an error. */
  get isInside(): boolean {
    return this.#generation > 0;
  }

  /** What stands for an error met now; undefined where it is the last of too many within one another. */
  add(error: Error): ErrorMarker | undefined {
    if (this.#generation === maxGenerations) return undefined;
    const marker = new ErrorMarker();
    this.#pending.push({ error, marker, steps: [...this.walk.steps], generation: this.#generation + 1 });
    return marker;
  }

  /** Copies the contents of the errors met, and of those met in them. */
  copyContents(): void {
    for (const { error, marker, steps, generation } of this.#pending) {
      this.walk.steps.splice(0, this.walk.steps.length, ...steps);
      this.#generation = generation;
      const members = membersOf(error);
      marker.contents = {
        name: text(() => error.name) ?? "Error",
        message: text(() => error.message) ?? "",
        stack: text(() => error.stack),
        cause: this.#attempt(() => error.cause, "cause"),
        errors: members?.map((member, index) => this.#attempt(() => member, index)),
        fields: fieldsOf(error, members !== undefined, (field, key) => this.#attempt(() => field, key)),
      };
    }
  }

  /** The copy of a part of an error; undefined for what cannot be copied, of which nothing is left behind. */
  #attempt(get: () => unknown, step: Step): unknown {
    const depth = this.walk.steps.length;
    const errors = this.#pending.length;
    const mark = this.walk.found.mark();
    try {
      return this.walk.part(get(), step);
    } catch {
      this.walk.steps.length = depth;
      this.#pending.length = errors;
      this.walk.found.forget(mark);
      return undefined;
    }
  }
}

// The errors that a walk has met. Their contents are written behind the value, because an error may hold what holds it, and what
// of them cannot be copied is left out, as with an error that a task throws.
import type { ByteWriter } from "../stream/byte-writer.js";
import { classNumber } from "../stream/make-error.js";
import { tags } from "../stream/stream-format.js";
import type { Collected } from "./collected.js";
import { causeOf, type Field, fieldsOf, type Members, membersOf, mostCauses, text } from "./error-parts.js";
import type { Seen } from "./seen.js";
import type { Step } from "./where.js";

/** An error of the payload and the causes below it. */
const maxGenerations = mostCauses + 1;

/** The walk, as its errors need it. */
export interface Walking {
  readonly out: ByteWriter;
  readonly found: Collected;
  readonly seen: Seen;
  /** Where the walk is. */
  readonly steps: Step[];
  /** Writes a part, one step further. */
  part(value: unknown, step: Step): void;
}

interface PendingError {
  readonly error: Error;
  readonly name: string;
  readonly members: Members;
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

  clear(): void {
    if (this.#pending.length > 0) this.#pending.length = 0;
    this.#generation = 0;
  }

  /** Writes what stands for an error met now. False: it is the last of too many within one another. */
  add(error: Error): boolean {
    if (this.#generation === maxGenerations) return false;
    const { out, steps } = this.walk;
    const name = text(() => error.name) ?? "Error";
    const members = membersOf(error);
    out.byte(members.list === undefined ? tags.error : tags.aggregateError);
    out.byte(classNumber(name));
    this.#pending.push({ error, name, members, steps: [...steps], generation: this.#generation + 1 });
    return true;
  }

  /** Writes the contents of the errors met, and of those met in them. */
  writeContents(): void {
    // Gathered strings cannot be taken back.
    this.walk.out.inPlace = true;
    for (const { error, name, members, steps, generation } of this.#pending) {
      const { out } = this.walk;
      this.walk.steps.splice(0, this.walk.steps.length, ...steps);
      this.#generation = generation;
      out.string(name);
      out.string(text(() => error.message) ?? "");
      this.#optional(text(() => error.stack));
      this.#cause(causeOf(error));
      if (members.list === undefined) out.byte(tags.undefined);
      else {
        out.number(members.list.length);
        for (const [index, member] of members.list.entries()) this.#attempt(member, index);
      }
      for (const [key, field] of fieldsOf(error, members)) this.#field(field, key);
      out.byte(tags.end);
    }
  }

  #optional(value: string | undefined): void {
    if (value === undefined) this.walk.out.byte(tags.undefined);
    else this.walk.out.string(value);
  }

  /** An error may have a cause that is undefined. */
  #cause(cause: Field | undefined): void {
    const { out } = this.walk;
    if (cause === undefined) out.byte(tags.undefined);
    else if (cause.value === undefined) out.byte(tags.hole);
    else this.#attempt(cause.value, "cause");
  }

  #field(field: unknown, key: string): void {
    const { at } = this.walk.out;
    this.walk.out.string(key);
    if (!this.#attempt(field, key)) this.walk.out.at = at;
  }

  /** Writes a part of an error. False: it cannot be copied, nothing is left of it, and `undefined` is written instead. */
  #attempt(value: unknown, step: Step): boolean {
    const { out, found, seen, steps } = this.walk;
    const depth = steps.length;
    const errors = this.#pending.length;
    const { at } = out;
    const mark = found.mark();
    const objects = seen.mark();
    try {
      this.walk.part(value, step);
      return true;
    } catch {
      steps.length = depth;
      this.#pending.length = errors;
      found.forget(mark);
      seen.forget(objects);
      out.at = at;
      out.byte(tags.undefined);
      return false;
    }
  }
}

// The calls about dead letters: those of the journal, and those that the queue of the option `engine` keeps.
import { OffloadError } from "../../base/errors.js";
import { checkOptions, oneOf } from "../../base/option-rules.js";
import type { TaskHandle } from "../../core/handle.js";
import type { Task } from "../../core/task.js";
import type { DeadLetter, Store } from "../../store/store.js";
import type { Admission } from "../admission.js";

/** Options of `deadLetters.list()`. */
export interface DeadLetterQuery {
  /** Only those of the journal, or only those that the queue of the option `engine` keeps. Default: all. */
  readonly place?: "journal" | "engine" | undefined;
}

export interface DeadLetterCallsParts {
  readonly store: Store;
  readonly hasJournal: boolean;
  readonly admission: Admission;
  readonly elsewhere: DeadLettersElsewhere | undefined;
  handleOf(task: Task): TaskHandle;
}

interface DeadLettersElsewhere {
  list(): Promise<DeadLetter[]>;
  retry(id: string): Promise<boolean>;
  discard(id: string): Promise<boolean>;
}

/** Each call is a function of its own, so that it can be destructured. */
export class DeadLetterCalls {
  constructor(private readonly parts: DeadLetterCallsParts) {}

  readonly list = async (query: DeadLetterQuery = {}): Promise<DeadLetter[]> => {
    checkOptions("deadLetters.list", query, { place: oneOf("journal", "engine") });
    const { store, elsewhere, hasJournal } = this.parts;
    const { place } = query;
    const ofJournal = place !== "engine" && (hasJournal || elsewhere === undefined || place === "journal");
    const lists = [
      ofJournal ? await store.deadLetters.list() : [],
      place !== "journal" && (elsewhere !== undefined || place === "engine") ? await this.#elsewhere.list() : [],
    ];
    return lists.flat();
  };

  readonly retry = (id: string): TaskHandle | undefined => {
    this.parts.admission.check([]);
    const task = this.parts.store.deadLetters.retry(id);
    return task && this.parts.handleOf(task);
  };

  readonly discard = (id: string): boolean => this.parts.store.deadLetters.discard(id);

  readonly elsewhere: Pick<DeadLettersElsewhere, "retry" | "discard"> = {
    retry: async (id) => this.#elsewhere.retry(id),
    discard: async (id) => this.#elsewhere.discard(id),
  };

  get #elsewhere(): DeadLettersElsewhere {
    const { elsewhere } = this.parts;
    if (elsewhere !== undefined) return elsewhere;
    throw new OffloadError("AR_INVALID_OPTIONS", "there is no engine: give createOffloader the option engine");
  }
}

// Whether tasks can be run: the promise of `ready()`, and the error of every dispatch while the tasks module cannot be loaded.
import { deferred } from "../base/deferred.js";
import { OffloadError } from "../base/errors.js";
import type { TaskDefinition } from "../core/definition.js";
import type { Definitions } from "./definitions.js";

export interface ReadinessParts {
  readonly definitions: Definitions;
  /** Words for an error of loading, where more is known than the error says. */
  readonly explain: (reason: Error) => Error;
  /** Brings back what earlier processes have left. Called once the engine is up. */
  readonly takeOver: () => Promise<void>;
}

export class Readiness {
  /** Thrown by every dispatch while the module cannot be loaded. */
  refusal: OffloadError | undefined;
  readonly #parts: ReadinessParts;
  readonly #ready = deferred();
  #promise: Promise<void> = this.#ready.promise;

  constructor(parts: ReadinessParts) {
    this.#parts = parts;
    // Whoever calls ready() hears of it; nobody has to.
    this.#promise.catch(() => {});
  }

  /** Rejects with the module's own error. */
  get promise(): Promise<void> {
    return this.#promise;
  }

  /**
   * Brings back what earlier processes have left before the engine is up: an engine that starts threads only for work would
   * wait for the first call.
   */
  takeOverEarly(): void {
    // The store logs a failure, and tries again.
    this.#parts.takeOver().catch(() => {});
  }

  /** The engine is up. */
  up(): void {
    this.#parts.takeOver().then(this.#ready.resolve, this.#ready.reject);
  }

  /**
   * The module has been loaded, also where it could not be before: dispatches are accepted again.
   *
   * @returns what tells the error of a task whose name the module does not have; undefined where the names are known already
   */
  loaded(names: readonly string[]): ((definition: TaskDefinition) => OffloadError | undefined) | undefined {
    const { definitions } = this.#parts;
    if (this.refusal !== undefined) {
      this.refusal = undefined;
      this.#promise = Promise.resolve();
    }
    return definitions.learn(names) ? (definition) => definitions.errorOf(definition) : undefined;
  }

  /** @returns what every dispatch throws from now on, until the module has been loaded */
  unloadable(reason: Error): OffloadError {
    const cause = this.#parts.explain(reason);
    this.#ready.reject(cause);
    this.refusal ??= new OffloadError("AR_TASKS_NOT_LOADABLE", `the tasks module cannot be loaded: ${cause.message}`, {
      cause,
    });
    return this.refusal;
  }

  /** It will not be ready any more. */
  giveUp(reason: Error): void {
    this.#ready.reject(reason);
  }
}

// The start of an offloader, from which it can run tasks: the promise of `ready()`, and the error of every dispatch while the
// tasks module cannot be loaded.
import { type Deferred, deferred } from "../base/deferred.js";
import { OffloadError } from "../base/errors.js";
import type { TaskDefinition } from "../core/definition.js";
import type { Definitions } from "./definitions.js";

export interface StartupParts {
  readonly definitions: Definitions;
  /** Words for an error of loading, where more is known than the error says. */
  readonly explain: (reason: Error) => Error;
}

/** The error of the tasks of a definition, which cannot run; undefined for one whose tasks can. */
export type ErrorOf = (definition: TaskDefinition) => OffloadError | undefined;

export class Startup {
  readonly #parts: StartupParts;
  #ready = waitedForByNobody();
  #refusal: OffloadError | undefined;
  #isLoaded = false;

  constructor(parts: StartupParts) {
    this.#parts = parts;
  }

  /** Resolves when tasks can be run; rejects with the module's own error, or with that of a policy for no task. */
  get promise(): Promise<void> {
    return this.#ready.promise;
  }

  /** Thrown by every dispatch of a task while the module cannot be loaded, and of everything in a thread. */
  get refusal(): OffloadError | undefined {
    return this.#refusal;
  }

  /** Whether a thread has loaded the tasks module, and the last attempt to do so did not fail. */
  get isLoaded(): boolean {
    return this.#isLoaded && this.#refusal === undefined;
  }

  /**
   * The engine is up.
   *
   * @param takenOver resolves when the tasks that earlier processes left have been looked for
   */
  up(takenOver: Promise<void>): void {
    const { resolve, reject } = this.#ready;
    takenOver.then(resolve, reject);
  }

  /**
   * The module is loaded. Dispatches are accepted again if they were refused.
   *
   * @returns gives the error of a task whose name the module does not have; undefined where the names were known before
   */
  loaded(names: readonly string[]): ErrorOf | undefined {
    const { definitions } = this.#parts;
    this.#isLoaded = true;
    if (this.#refusal !== undefined) {
      this.#refusal = undefined;
      // The old promise is rejected. The new one waits for the engine.
      this.#ready = waitedForByNobody();
    }
    const areNew = definitions.learn(names);
    if (definitions.policyError !== undefined) this.#ready.reject(definitions.policyError);
    return areNew ? (definition) => definitions.errorOf(definition) : undefined;
  }

  /**
   * Every dispatch of a task is refused from now on, until the module is loaded.
   *
   * @returns gives the error of every task that is a function of the module
   */
  unloadable(reason: Error): ErrorOf {
    const cause = this.#parts.explain(reason);
    this.#ready.reject(cause);
    const message = `the tasks module cannot be loaded: ${cause.message}`;
    this.#refusal ??= new OffloadError("AR_TASKS_NOT_LOADABLE", message, { cause });
    const refusal = this.#refusal;
    return (definition) => (this.#parts.definitions.isOfModule(definition) ? refusal : undefined);
  }

  /** Nothing will ever be run here: every dispatch throws `refusal`. */
  refuse(refusal: OffloadError): void {
    this.#refusal = refusal;
    this.#ready.resolve();
  }

  /** The offloader is closed: what is not ready by now never will be. */
  giveUp(reason: Error): void {
    this.#ready.reject(reason);
  }
}

/** Nobody has to call `ready()`: a rejection that nobody awaits is no unhandledRejection. */
function waitedForByNobody(): Deferred<void> {
  const ready = deferred();
  ready.promise.catch(() => {});
  return ready;
}

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

/** What the engine reports while the testing kit decides which tasks there are. */
interface Postponement {
  readonly reports: (() => void)[];
  readonly onFailure: ((reason: Error) => void) | undefined;
}

/** The error of the tasks of a definition, which cannot run; undefined for one whose tasks can. */
export type ErrorOf = (definition: TaskDefinition) => OffloadError | undefined;

export class Startup {
  readonly #parts: StartupParts;
  #ready = waitedForByNobody();
  #refusal: OffloadError | undefined;
  #isLoaded = false;
  #gaveUp: Error | undefined;
  #postponement: Postponement | undefined;

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

  /** The names of the tasks; undefined before the module has been loaded. */
  get names(): readonly string[] | undefined {
    return this.#parts.definitions.names;
  }

  /** The error of a name that no task has; undefined while the names are not known. */
  errorOfName(name: string): OffloadError | undefined {
    return this.#parts.definitions.errorOfName(name);
  }

  /**
   * Has what the engine reports of the tasks module wait until the function returned here is called: for the testing kit, which
   * loads the module by itself.
   *
   * @param onFailure called when a report of a failure waits. With it, no other report waits
   */
  postpone(onFailure?: (reason: Error) => void): () => void {
    const postponement: Postponement = { reports: [], onFailure };
    this.#postponement = postponement;
    return () => {
      if (this.#postponement !== postponement) return;
      this.#postponement = undefined;
      for (const report of postponement.reports) report();
    };
  }

  /**
   * Whether the report of an engine has to wait. It is made again, by `report`, when that is over.
   *
   * @param failure why the module cannot be loaded, where the report says so
   */
  postpones(report: () => void, failure?: Error): boolean {
    const postponement = this.#postponement;
    if (postponement === undefined || (postponement.onFailure !== undefined && failure === undefined)) return false;
    postponement.reports.push(report);
    if (failure !== undefined) postponement.onFailure?.(failure);
    return true;
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
      this.#renew();
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

  /** Takes a refusal back: the engine that could not load the module is gone. */
  retract(): void {
    if (this.#refusal === undefined) return;
    this.#refusal = undefined;
    this.#renew();
  }

  /** Nothing is known of the module any more: `ready()` waits for the engine, and so does whoever waits for it already. */
  forget(): void {
    this.#parts.definitions.forget();
    this.#isLoaded = false;
    this.#refusal = undefined;
    this.#renew();
  }

  /** Nothing will ever be run here: every dispatch throws `refusal`. */
  refuse(refusal: OffloadError): void {
    this.#refusal = refusal;
    this.#ready.resolve();
  }

  /** The offloader is closed: what is not ready by now never will be. */
  giveUp(reason: Error): void {
    this.#gaveUp = reason;
    this.#ready.reject(reason);
  }

  /** A promise that has settled says nothing of what comes. One that has not goes the way of the new one. */
  #renew(): void {
    const { resolve, reject } = this.#ready;
    this.#ready = waitedForByNobody();
    this.#ready.promise.then(resolve, reject);
    if (this.#gaveUp !== undefined) this.#ready.reject(this.#gaveUp);
  }
}

/** Nobody has to call `ready()`: a rejection that nobody awaits is no unhandledRejection. */
function waitedForByNobody(): Deferred<void> {
  const ready = deferred();
  ready.promise.catch(() => {});
  return ready;
}

// Whether the tasks module has been loaded: the promise of `ready()`, and the error of every dispatch once it cannot be.
import { OffloadError } from "./task/errors.js";

export class Readiness {
  /** Rejects with the module's own error. */
  readonly promise: Promise<void>;
  /** Thrown by every dispatch once the module is known not to load. */
  refusal: OffloadError | undefined;
  #resolve: () => void = () => {};
  #reject: (error: Error) => void = () => {};

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever calls ready() is told; nobody has to.
    this.promise.catch(() => {});
  }

  // Bound, for they are passed on as what follows.
  readonly succeed = (): void => this.#resolve();
  /** Something other than the tasks module keeps the offloader from being ready; dispatches are accepted all the same. */
  readonly refuse = (reason: Error): void => this.#reject(reason);

  /** Returns what every dispatch throws from now on. */
  fail(reason: Error): OffloadError {
    this.#reject(reason);
    this.refusal ??= new OffloadError("AR_TASKS_NOT_LOADABLE", `the tasks module cannot be loaded: ${reason.message}`, {
      cause: reason,
    });
    return this.refusal;
  }
}

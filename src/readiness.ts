// Whether the tasks module has been loaded: the promise of `ready()`, and the error of every dispatch once it cannot be.
import { OffloadError } from "./base/errors.js";

export class Readiness {
  /** Rejects with the module's own error. */
  promise: Promise<void>;
  /** Thrown by every dispatch while the module cannot be loaded. */
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

  /** A thread has loaded the module after all: dispatches are accepted again. */
  recover(): void {
    if (this.refusal === undefined) return;
    this.refusal = undefined;
    this.promise = Promise.resolve();
  }

  /** Returns what every dispatch throws from now on, until the module has been loaded. */
  fail(reason: Error): OffloadError {
    this.#reject(reason);
    this.refusal ??= new OffloadError("AR_TASKS_NOT_LOADABLE", `the tasks module cannot be loaded: ${reason.message}`, {
      cause: reason,
    });
    return this.refusal;
  }
}

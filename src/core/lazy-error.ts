// An error that is made when somebody looks at it. Most ends of tasks are looked at by nobody, and to make the error is most
// of what a failure or a cancel costs the main thread (measured: a cancel 5 us with its error, 0.7 without).

export class LazyError {
  #make: (() => unknown) | undefined;
  #error: unknown;

  /** @param make called at most once; must not throw */
  constructor(make: () => unknown) {
    this.#make = make;
  }

  get error(): unknown {
    if (this.#make !== undefined) {
      this.#error = this.#make();
      this.#make = undefined;
    }
    return this.#error;
  }
}

/** The error itself, also of one that has not been made yet. */
export function errorOf(error: unknown): unknown {
  return error instanceof LazyError ? error.error : error;
}

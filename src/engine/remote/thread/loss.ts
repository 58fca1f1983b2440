// The loss of a lock, told once to whoever asked. An AbortController for each delivery costs the thread 10 us more.

export class Loss {
  #error: Error | undefined;
  readonly #listeners: ((error: Error) => void)[] = [];

  /** Whether the lock is lost. */
  get has(): boolean {
    return this.#error !== undefined;
  }

  /** Calls the listener at the loss; at once, if that was before. */
  tell(listener: (error: Error) => void): void {
    if (this.#error === undefined) this.#listeners.push(listener);
    else listener(this.#error);
  }

  happen(error: Error): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    for (const listener of this.#listeners) listener(error);
  }
}

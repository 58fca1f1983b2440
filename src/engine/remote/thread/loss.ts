// The loss of a lock, told once to whoever asked. An AbortController for each delivery costs the thread 10 us more.

/**
 * Whether somebody else may have a task, because its lock was last renewed so long ago. Locks are renewed three times while one lasts, and a
 * timer may be early or late, so half of a renewal before its end is as good as the end.
 */
export function lockHasEnded(renewedAt: number, at: number, lockMs: number): boolean {
  return at - renewedAt >= (lockMs * 5) / 6;
}

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

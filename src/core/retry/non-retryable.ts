// The mark of an error by which a task says that another attempt is of no use.

/** On the prototype of NonRetryableError, also in another copy of the library. */
export const nonRetryableBrand: unique symbol = Symbol.for("offload-after-response.NonRetryableError");

export function isNonRetryable(thrown: unknown): boolean {
  return typeof thrown === "object" && thrown !== null && nonRetryableBrand in thrown;
}

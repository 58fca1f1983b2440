// The error by which a task says that another attempt is of no use.
import { nonRetryableBrand } from "../src/core/retry/non-retryable.js";

/** Thrown by a task: it fails at once, whatever `attempts` says. */
export class NonRetryableError extends Error {}

Object.defineProperty(NonRetryableError.prototype, "name", {
  value: "NonRetryableError",
  configurable: true,
  writable: true,
});
Object.defineProperty(NonRetryableError.prototype, nonRetryableBrand, { value: true });

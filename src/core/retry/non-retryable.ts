// The error by which a task says that another attempt is of no use.
import { brandClass } from "../../base/shared.js";

/** Thrown by a task: it fails at once, whatever `attempts` says. */
export class NonRetryableError extends Error {}

Object.defineProperty(NonRetryableError.prototype, "name", {
  value: "NonRetryableError",
  configurable: true,
  writable: true,
});
const brand = brandClass(NonRetryableError, "NonRetryableError");

/** Holds also for the class of another copy of the library. */
export function isNonRetryable(thrown: unknown): boolean {
  return typeof thrown === "object" && thrown !== null && brand in thrown;
}

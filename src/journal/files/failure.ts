// The errors of the library for failed calls of the file system.
import { OffloadError } from "../../base/errors.js";
import { errorCode } from "./file-system.js";

const full = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/**
 * The error for a call that failed: AR_JOURNAL_FULL if room is missing, else AR_JOURNAL_UNAVAILABLE.
 *
 * @param action completes "cannot", such as "write to"
 */
export function journalError(action: string, path: string, cause: unknown): OffloadError {
  const code = errorCode(cause);
  const reason = code || (cause instanceof Error ? cause.message : String(cause));
  return new OffloadError(
    full.has(code) ? "AR_JOURNAL_FULL" : "AR_JOURNAL_UNAVAILABLE",
    `journal: cannot ${action} ${path}: ${reason}`,
    { cause },
  );
}

/** Whether a call failed because room is missing: an error of Node, or the one of the library that was made of it. */
export function isFull(error: unknown): boolean {
  const code = errorCode(error);
  return code === "AR_JOURNAL_FULL" || full.has(code);
}

/** AR_JOURNAL_UNAVAILABLE for any other reason. */
export function unavailable(message: string): OffloadError {
  return new OffloadError("AR_JOURNAL_UNAVAILABLE", `journal: ${message}`);
}

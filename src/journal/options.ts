// The options of the journal: what each is for, its rule, its default.
import path from "node:path";
import { describe, OffloadError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import { segmentSize } from "./format/format.js";

export interface JournalOptions {
  /**
   * Where accepted, unfinished tasks are recorded, and dead letters kept: a directory of its own on a disk of this machine,
   * made if need be. Processes on one machine can share it, in containers too; each takes over what dead ones have left.
   */
  readonly dir: string;
  /**
   * `"process"` (default): a task survives the death of the process from the moment the dispatch call returns; a power cut
   * can lose the last seconds. `"disk"`: it survives that as well once `handle.durable` has resolved.
   */
  readonly durability?: "process" | "disk" | undefined;
  /**
   * Bytes of disk space, dead letters left out. Default 1 GiB, at least 32 MiB. Half of it is for unfinished tasks (a task
   * that finds no room is refused with AR_JOURNAL_FULL), the other half for records that are not needed any more and not yet
   * deleted.
   */
  readonly maxBytes?: number | undefined;
  /** How many processes may die while they run a task, before it goes to the dead letters. Default 3. */
  readonly maxStarts?: number | undefined;
}

export interface ResolvedJournalOptions {
  /** Absolute: the working directory may change. */
  readonly dir: string;
  readonly durability: "process" | "disk";
  readonly maxBytes: number;
  readonly maxStarts: number;
}

const leastBytes = 8 * segmentSize;

/** @throws OffloadError AR_INVALID_OPTIONS naming the option, what was expected and what was given */
export function resolveJournalOptions(options: JournalOptions): ResolvedJournalOptions {
  const { dir, durability = "process", maxBytes = 1024 ** 3, maxStarts = 3, ...unknown } = options;
  if (typeof dir !== "string" || dir === "") throw invalid("dir", "the path of a directory", dir);
  if (durability !== "process" && durability !== "disk")
    throw invalid("durability", 'one of "process", "disk"', durability);
  if (!Number.isSafeInteger(maxBytes) || maxBytes < leastBytes) {
    throw invalid("maxBytes", `an integer of ${leastBytes} (32 MiB) or more`, maxBytes);
  }
  if (!Number.isSafeInteger(maxStarts) || maxStarts < 1) throw invalid("maxStarts", "a positive integer", maxStarts);
  const [stranger] = Object.keys(unknown);
  if (stranger !== undefined) {
    const known = "dir, durability, maxBytes, maxStarts";
    throw new OffloadError("AR_INVALID_OPTIONS", `journal: unknown option ${stranger} (known options: ${known})`);
  }
  return Object.freeze({ dir: path.resolve(dir), durability, maxBytes, maxStarts });
}

function invalid(name: string, expected: string, given: unknown): OffloadError {
  return new OffloadError("AR_INVALID_OPTIONS", `journal: expected ${name} to be ${expected}, got ${describe(given)}`);
}

/** What the journal is given besides its options. */
export interface JournalContext {
  readonly logger: Logger;
  /** Somebody says that there is something to adopt: a task that was taken out of the dead letters, say. */
  readonly onAdoptable?: (() => void) | undefined;
}

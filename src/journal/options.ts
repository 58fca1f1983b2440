// The options of the journal: what each is for, its rule, its default.
import path from "node:path";
import { checkOptions, integer, invalid, oneOf, type Rule, type Rules } from "../base/option-rules.js";
import { segmentSize } from "./format/format.js";

/** The option `journal`: where accepted tasks are on record until they end, so that `kill -9` loses none. */
export interface JournalOptions {
  /**
   * Where accepted, unfinished tasks are recorded and dead letters are kept: a directory of its own on a disk of this machine,
   * which is made if it is missing. Processes on one machine can share it, in containers too; each takes over what dead ones
   * have left.
   */
  readonly dir: string;
  /**
   * `"process"` (default): a task survives the death of the process from the moment the dispatch call returns; a power cut
   * can lose the last seconds. `"disk"`: it survives that as well once `handle.durable` has resolved.
   */
  readonly durability?: "process" | "disk" | undefined;
  /**
   * Bytes of disk space. Default 1 GiB, at least 32 MiB. Dead letters may hold a quarter. Half of what they leave is for
   * unfinished tasks (a task that finds no room is refused with AR_JOURNAL_FULL), the other half for records that are not
   * needed any more and not yet deleted.
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

const dir: Rule = {
  expected: "the path of a directory",
  holds: (value) => typeof value === "string" && value !== "",
};

const rules: Rules<JournalOptions> = {
  dir,
  durability: oneOf("process", "disk"),
  maxBytes: { ...integer(leastBytes), expected: `an integer of ${leastBytes} (32 MiB) or more` },
  maxStarts: integer(1),
};

/** @throws OffloadError AR_INVALID_OPTIONS naming the option, what was expected and what was given */
export function resolveJournalOptions(options: JournalOptions): ResolvedJournalOptions {
  checkOptions("journal", options, rules);
  if (options.dir === undefined) throw invalid("journal", "dir", dir.expected, undefined);
  const { durability = "process", maxBytes = 1024 ** 3, maxStarts = 3 } = options;
  return Object.freeze({ dir: path.resolve(options.dir), durability, maxBytes, maxStarts });
}

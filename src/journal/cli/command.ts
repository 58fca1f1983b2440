// What the commands of the command line share: what they are given, and what they return.
import type { Logger } from "../../base/logger.js";
import { DeadLetterFiles } from "../dead-letters/dead-letter-files.js";
import type { FileSystem } from "../files/file-system.js";

export interface CommandContext {
  readonly fs: FileSystem;
  /** The directory of the journal. */
  readonly root: string;
  readonly logger: Logger;
  /** ms since 1970. */
  readonly now: number;
}

/** What a command prints, and the exit code. */
export interface CommandResult {
  readonly text: string;
  readonly json: unknown;
  readonly code: number;
}

export function deadLetterFiles({ fs, root }: CommandContext): DeadLetterFiles {
  return new DeadLetterFiles(fs, root);
}

/** A number with its noun: `1 dead letter`, `2 dead letters`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

// The parts of a journal, wired: the directory of this process, the log in it, the dead letters, and what comes from dead
// processes.
import type { Logger } from "../base/logger.js";
import { DeadLetterFiles } from "./dead-letters/dead-letter-files.js";
import { DeadLetterRoom } from "./dead-letters/dead-letter-room.js";
import { DeadLetters } from "./dead-letters/dead-letters.js";
import type { FileSystem } from "./files/file-system.js";
import { RecordFile } from "./format/record-file.js";
import { SegmentChain } from "./log/chain.js";
import { DiskDurability, type Durability, ProcessDurability } from "./log/durability.js";
import { Log } from "./log/log.js";
import { Reclaimer } from "./log/reclaim.js";
import { removeSegment } from "./log/remove-segment.js";
import { Reserve } from "./log/reserve.js";
import { SegmentWriter } from "./log/segment-writer.js";
import type { ResolvedJournalOptions } from "./options.js";
import { AbandonedDirectories } from "./takeover/abandoned-directories.js";
import type { IsListening } from "./takeover/listening-sockets.js";
import { Ownership } from "./takeover/ownership.js";
import { Replay } from "./takeover/replay.js";
import { Siblings } from "./takeover/siblings.js";
import { Takeover } from "./takeover/takeover.js";

/** What the journal is given besides its options. */
export interface JournalContext {
  readonly logger: Logger;
  /** Another process asks this one to look for tasks to take over. */
  readonly onAskedToTakeOver?: (() => void) | undefined;
  /** A process that shares the journal may be gone, or a new one may be there: it is time to look. */
  readonly onSiblingsChanged?: (() => void) | undefined;
}

/** The parts of the world that a test replaces. */
export interface JournalWorld {
  readonly fs: FileSystem;
  /** ms since 1970. */
  readonly now: () => number;
  /** How long the owner of a directory without a socket gets to show that it lives, in ms; default 3 s. */
  readonly unboundGrace?: number | undefined;
  /** Whether such an owner is seen to live by what the kernel knows. */
  readonly listens?: IsListening | undefined;
  /** How often the directories of dead processes are looked for, in ms; default 30 s. */
  readonly lookEvery?: number | undefined;
}

export interface JournalParts extends JournalWorld {
  readonly root: string;
  readonly maxBytes: number;
  readonly owner: Ownership;
  readonly chain: SegmentChain;
  readonly durability: Durability;
  readonly writer: SegmentWriter;
  readonly reclaimer: Reclaimer;
  readonly log: Log;
  readonly deadLetters: DeadLetters;
  readonly replay: Replay;
  readonly takeover: Takeover;
  readonly siblings: Siblings;
  readonly reserve: Reserve;
  readonly files: DeadLetterFiles;
  /** Reads the tasks back that leave for another process. */
  readonly contents: RecordFile;
}

/** @throws OffloadError AR_JOURNAL_UNAVAILABLE when this process can have no directory below the given one */
export function assembleJournal(
  { dir: root, durability: mode, maxBytes, maxStarts }: ResolvedJournalOptions,
  { logger, onAskedToTakeOver, onSiblingsChanged }: JournalContext,
  { fs, now, unboundGrace, listens }: JournalWorld,
): JournalParts {
  const owner = new Ownership(fs, root, logger, {
    onAskedToTakeOver: () => onAskedToTakeOver?.(),
    onSiblingsChanged: () => onSiblingsChanged?.(),
  });
  const siblings = new Siblings(fs, () => onSiblingsChanged?.());
  const ownDirectory = (): string => owner.directory;
  const chain = new SegmentChain();
  const durability: Durability =
    mode === "disk" ? new DiskDurability(fs, logger, () => writer.retire()) : new ProcessDurability(fs);
  const writer = new SegmentWriter(fs, owner, chain, durability, now);
  const remove = removeSegment.bind(undefined, fs, root, ownDirectory);
  const reclaimer = new Reclaimer(fs, chain, writer, durability, remove, logger);
  const reserve = new Reserve(fs, ownDirectory);
  const files = new DeadLetterFiles(fs, root, DeadLetterRoom.of(fs, root, maxBytes));
  // The other half of the disk space is for records that are not needed any more and not yet deleted.
  const capacity = (): number => (maxBytes - files.room.bytes) / 2;
  const log = new Log(chain, writer, reclaimer, reserve, capacity, maxBytes / 2, logger);
  const deadLetters = new DeadLetters(fs, files, log, durability, reserve, ownDirectory, now, logger);
  const replay = new Replay(fs, deadLetters, logger);
  const abandoned = new AbandonedDirectories(fs, root, ownDirectory, siblings, logger, unboundGrace, listens);
  const takeover = new Takeover({ fs, root, logger, chain, files, deadLetters, replay }, abandoned, maxStarts);
  return {
    fs,
    now,
    root,
    maxBytes,
    owner,
    chain,
    durability,
    writer,
    reclaimer,
    log,
    deadLetters,
    replay,
    takeover,
    siblings,
    reserve,
    files,
    contents: new RecordFile(fs),
  };
}

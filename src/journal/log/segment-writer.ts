// Appends to the active segment. Begins a new one when it is full, and after every write that failed or was cut short,
// because reading stops at a torn record.
import { constants } from "node:fs";
import { OffloadError } from "../../base/errors.js";
import { journalError } from "../files/failure.js";
import { errorCode, type FileSystem } from "../files/file-system.js";
import { header, headerLength, segmentSize } from "../format/format.js";
import type { SegmentChain } from "./chain.js";
import type { Durability } from "./durability.js";
import { Segment, segmentName } from "./segment.js";

const { O_APPEND, O_CREAT, O_EXCL, O_WRONLY } = constants;

/** How often the active segment is checked to exist, in ms: appending to a deleted file succeeds. */
const checkInterval = 1_000;

/** The directory of this process. */
export interface SegmentDirectory {
  readonly directory: string;
  /** Makes sure that others see it to be owned; `directory` may be another one afterwards. May throw. */
  check(): void;
  /** Makes another one after it has vanished, or throws. */
  replace(): void;
}

export class SegmentWriter {
  #active: Segment | undefined;
  #fd = -1;
  #number = 0;
  #checkedAt = 0;
  readonly #header = header();

  /** Whether the last failed write may have left a whole record behind. */
  uncertain = false;

  constructor(
    private readonly fs: FileSystem,
    private readonly owner: SegmentDirectory,
    private readonly chain: SegmentChain,
    private readonly durability: Durability,
    private readonly now: () => number,
  ) {}

  get active(): Segment | undefined {
    return this.#active;
  }

  /**
   * Appends the first `length` bytes of `buffer` by one write.
   *
   * @returns the segment they are in now, at its end
   * @throws OffloadError AR_JOURNAL_FULL or AR_JOURNAL_UNAVAILABLE; nothing was appended then
   */
  write(buffer: Buffer, length: number): Segment {
    this.uncertain = false;
    // After a short write, a new segment: there the whole record fits, or the write fails with a reason.
    return this.#append(buffer, length) ?? this.#append(buffer, length) ?? this.#refuse();
  }

  /** No more is written to the active segment. */
  retire(): void {
    if (this.#active === undefined) return;
    this.#active = undefined;
    this.durability.retire(this.#fd);
  }

  /** undefined after a short write. */
  #append(buffer: Buffer, length: number): Segment | undefined {
    const segment = this.#writable();
    if (segment.size === 0 && !this.#put(segment, this.#header, headerLength)) return undefined;
    return this.#put(segment, buffer, length) ? segment : undefined;
  }

  #put(segment: Segment, buffer: Buffer, length: number): boolean {
    let written: number;
    try {
      written = this.fs.write(this.#fd, buffer, 0, length);
    } catch (error) {
      const failure = journalError("write to", segment.path, error);
      this.#giveUp(segment, failure.code === "AR_JOURNAL_FULL");
      throw failure;
    }
    if (written !== length) {
      this.#giveUp(segment, true);
      return false;
    }
    this.chain.grow(segment, length);
    this.durability.wrote(this.#fd);
    return true;
  }

  #writable(): Segment {
    this.#checkThatItExists();
    // Another process reads the segments of a directory that this one does not own any more.
    if (this.#active !== undefined && this.#active.directory !== this.owner.directory) this.retire();
    const active = this.#active;
    if (active === undefined) return this.#begin();
    if (active.size < segmentSize) return active;
    try {
      return this.#begin();
    } catch {
      // No descriptor is free, for example. The active segment is whole and grows.
      return active;
    }
  }

  #begin(): Segment {
    const [segment, fd] = this.#create();
    this.retire();
    this.#active = segment;
    this.#fd = fd;
    this.#checkedAt = this.now();
    this.chain.push(segment);
    this.durability.named(segment.directory);
    return segment;
  }

  #create(): [Segment, number] {
    const segment = new Segment(this.owner.directory, segmentName(++this.#number));
    const flags = O_WRONLY | O_CREAT | O_EXCL | O_APPEND;
    try {
      return [segment, this.fs.open(segment.path, flags, 0o600)];
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw journalError("create", segment.path, error);
    }
    this.owner.replace();
    const anew = new Segment(this.owner.directory, segment.name);
    try {
      return [anew, this.fs.open(anew.path, flags, 0o600)];
    } catch (error) {
      throw journalError("create", anew.path, error);
    }
  }

  #checkThatItExists(): void {
    if (this.#active === undefined || this.now() - this.#checkedAt < checkInterval) return;
    this.#checkedAt = this.now();
    if (this.#isDeleted()) this.retire();
    else this.owner.check();
  }

  #isDeleted(): boolean {
    try {
      return this.fs.fstat(this.#fd).nlink === 0;
    } catch {
      // A file without a status is not safe to write to.
      return true;
    }
  }

  #giveUp(segment: Segment, full: boolean): void {
    try {
      this.fs.truncate(this.#fd, segment.size);
      // It is empty again, so nothing is torn. Without this, each call on a full disk would make and remove a file.
      if (full && segment.size <= headerLength) return;
    } catch {
      this.uncertain = true;
    }
    this.retire();
  }

  #refuse(): never {
    throw new OffloadError(
      "AR_JOURNAL_FULL",
      `journal: a record could not be written whole in ${this.owner.directory}: the disk is full`,
    );
  }
}

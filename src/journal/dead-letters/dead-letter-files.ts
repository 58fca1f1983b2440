// The files of dead letters, beside the directories of the processes. Any process, and the command line, can list, claim and
// discard them.
import { constants } from "node:fs";
import path from "node:path";
import { OffloadError } from "../../base/errors.js";
import { turn } from "../../base/time.js";
import type { DeadLetter } from "../../store/store.js";
import { deadLettersName } from "../files/directory.js";
import { journalError, unavailable } from "../files/failure.js";
import { errorCode, type FileSystem, readFile } from "../files/file-system.js";
import { encodeDeadLetter, type Identity, mostBytesOfDeadLetter } from "../format/encode.js";
import { header, headerLength, reasonNumber, type WrittenReason } from "../format/format.js";
import { isId } from "../format/id.js";
import { damagedDeadLetter, problemOf } from "./damaged-dead-letter.js";
import { errorText, type OpenedDeadLetter, openDeadLetter } from "./dead-letter.js";
import { DeadLetterCensus } from "./dead-letter-census.js";
import { DeadLetterRoom } from "./dead-letter-room.js";

const { O_CREAT, O_TRUNC, O_WRONLY } = constants;

const suffix = ".letter";

/** Why a task becomes a dead letter, and when, in ms since 1970. */
export interface Failure {
  readonly reason: WrittenReason;
  readonly error: unknown;
  readonly failedAt: number;
}

export class DeadLetterFiles {
  readonly directory: string;
  readonly census: DeadLetterCensus;

  constructor(
    private readonly fs: FileSystem,
    root: string,
    readonly room: DeadLetterRoom = new DeadLetterRoom(fs),
  ) {
    this.directory = path.join(root, deadLettersName);
    this.census = new DeadLetterCensus(fs);
  }

  /**
   * Writes a dead letter in the directory of this process first, so that nobody sees it half written.
   *
   * @param accepted the ACCEPTED record, brought up to date
   * @returns the descriptor of the file, which the caller has to sync and close
   * @throws OffloadError AR_JOURNAL_FULL or AR_JOURNAL_UNAVAILABLE
   */
  write(ownDirectory: string, identity: Identity, accepted: Buffer, { reason, error, failedAt }: Failure): number {
    const text = errorText(error);
    const bytes = Buffer.allocUnsafeSlow(headerLength + accepted.length + mostBytesOfDeadLetter(identity, text));
    header().copy(bytes);
    accepted.copy(bytes, headerLength);
    const start = headerLength + accepted.length;
    const length = encodeDeadLetter(bytes, start, identity, reasonNumber(reason), failedAt, text);
    this.room.check(length);
    const part = path.join(ownDirectory, `${identity.id}.part`);
    const fd = this.#create(part, bytes, length);
    try {
      this.fs.rename(part, this.pathOf(identity.id));
    } catch (error) {
      this.fs.close(fd);
      throw journalError("rename", part, error);
    }
    this.room.bytes += length;
    this.census.add(identity.id, reason);
    return fd;
  }

  /** The dead letters, oldest first. One that cannot be read is among them, and hides no other. */
  async list(): Promise<DeadLetter[]> {
    const deadLetters: DeadLetter[] = [];
    for (const [index, id] of this.#ids().entries()) {
      if (index % 64 === 63) await turn();
      const { deadLetter } = this.look(id);
      if (deadLetter === undefined) continue;
      deadLetters.push(deadLetter);
      this.census.add(id, deadLetter.reason);
    }
    return deadLetters.sort(byFailure);
  }

  /** Finds out how many bytes they hold, and how many there are by reason. */
  async measure(): Promise<void> {
    let bytes = 0;
    const ids = this.#ids();
    this.census.keep(ids);
    for (const [index, id] of ids.entries()) {
      if (index % 64 === 63) await turn();
      const file = this.pathOf(id);
      bytes += this.room.sizeOf(file);
      this.census.find(id, file);
    }
    this.room.bytes = bytes;
  }

  /** The dead letter of an id, also if it is damaged; `opened` if it is not. Nothing when there is none of this id. */
  look(id: string): { deadLetter?: DeadLetter; opened?: OpenedDeadLetter } {
    const file = this.pathOf(id);
    try {
      const opened = this.open(file);
      return opened === undefined ? {} : { deadLetter: opened.deadLetter, opened };
    } catch (error) {
      return { deadLetter: damagedDeadLetter(this.fs, file, id, error) };
    }
  }

  /**
   * Moves a dead letter into `directory`, where nobody else touches it. Of several that try, one succeeds.
   *
   * @returns where it is now; undefined when there is none of this id (any more)
   */
  claim(id: string, directory: string): string | undefined {
    const claimed = path.join(directory, id + suffix);
    try {
      this.fs.rename(this.pathOf(id), claimed);
      this.room.bytes -= this.room.sizeOf(claimed);
      this.census.remove(id);
      return claimed;
    } catch (error) {
      if (errorCode(error) === "ENOENT") return undefined;
      throw journalError("move", this.pathOf(id), error);
    }
  }

  /** Puts a claimed dead letter back. */
  restore(claimed: string): void {
    const file = path.join(this.directory, path.basename(claimed));
    this.fs.rename(claimed, file);
    this.room.bytes += this.room.sizeOf(file);
    this.census.find(path.basename(claimed, suffix), file);
  }

  /** The files of the dead letters that a dead process had claimed and left in its directory. */
  claimedIn(directory: string): string[] {
    const names = this.fs.readdir(directory).filter((name) => name.endsWith(suffix));
    return names.map((name) => path.join(directory, name));
  }

  discard(id: string): boolean {
    const size = this.room.sizeOf(this.pathOf(id));
    try {
      this.fs.unlink(this.pathOf(id));
      this.room.bytes -= size;
      this.census.remove(id);
      return true;
    } catch (error) {
      if (errorCode(error) === "ENOENT") return false;
      throw journalError("delete", this.pathOf(id), error);
    }
  }

  /** @throws OffloadError AR_INVALID_ARGUMENT if it is no id, because it could name a file elsewhere */
  pathOf(id: string): string {
    if (!isId(id)) throw new OffloadError("AR_INVALID_ARGUMENT", "journal: expected the id of a task");
    return path.join(this.directory, id + suffix);
  }

  #create(part: string, bytes: Buffer, length: number): number {
    let fd: number | undefined;
    try {
      fd = this.fs.open(part, O_WRONLY | O_CREAT | O_TRUNC, 0o600);
      const written = this.fs.write(fd, bytes, 0, length);
      if (written !== length) throw Object.assign(new Error("the disk is full"), { code: "ENOSPC" });
      return fd;
    } catch (error) {
      if (fd !== undefined) this.fs.close(fd);
      throw journalError("write", part, error);
    }
  }

  #ids(): string[] {
    try {
      const names = this.fs.readdir(this.directory).filter((name) => name.endsWith(suffix));
      return names.map((name) => name.slice(0, -suffix.length)).filter(isId);
    } catch (error) {
      throw journalError("read", this.directory, error);
    }
  }

  /**
   * undefined when it does not exist.
   *
   * @throws OffloadError AR_JOURNAL_UNAVAILABLE when it is not whole, or cannot be read
   */
  open(file: string): OpenedDeadLetter | undefined {
    let bytes: Buffer;
    try {
      bytes = readFile(this.fs, file);
    } catch (error) {
      if (errorCode(error) === "ENOENT") return undefined;
      throw journalError("read", file, error);
    }
    const opened = openDeadLetter(file, bytes);
    if (opened === undefined) throw unavailable(`the dead letter ${file} ${problemOf(bytes)}; it is left as it is`);
    return opened;
  }
}

/** By time; in the same millisecond by id, where a longer one is the later. */
function byFailure(a: DeadLetter, b: DeadLetter): number {
  return a.failedAt - b.failedAt || a.id.length - b.id.length || (a.id < b.id ? -1 : 1);
}

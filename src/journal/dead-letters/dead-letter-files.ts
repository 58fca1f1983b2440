// The files of dead letters, beside the directories of the processes. Any process, and the command line, can list, claim and
// discard them.
import { constants } from "node:fs";
import path from "node:path";
import { OffloadError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import { turn } from "../../base/time.js";
import type { DeadLetter, DeadLetterReason } from "../../store/store.js";
import { deadLettersName } from "../files/directory.js";
import { journalError } from "../files/failure.js";
import { errorCode, type FileSystem, readFile } from "../files/file-system.js";
import { encodeDeadLetter, type Identity, mostBytesOfDeadLetter } from "../format/encode.js";
import { header, headerLength, reasonNumber } from "../format/format.js";
import { isId } from "../format/id.js";
import { errorText, type OpenedDeadLetter, openDeadLetter } from "./dead-letter.js";

const { O_CREAT, O_TRUNC, O_WRONLY } = constants;

const suffix = ".letter";

/** Why a task becomes a dead letter, and when, in ms since 1970. */
export interface Failure {
  readonly reason: DeadLetterReason;
  readonly error: unknown;
  readonly failedAt: number;
}

export class DeadLetterFiles {
  readonly directory: string;

  constructor(
    private readonly fs: FileSystem,
    root: string,
    private readonly logger: Logger,
  ) {
    this.directory = path.join(root, deadLettersName);
  }

  /**
   * Writes a dead letter in the directory of this process first, so that nobody sees it half written.
   *
   * @param accepted the ACCEPTED record, brought up to date
   * @returns the descriptor of the file, for the caller to sync and close
   * @throws OffloadError AR_JOURNAL_FULL or AR_JOURNAL_UNAVAILABLE
   */
  write(ownDirectory: string, identity: Identity, accepted: Buffer, { reason, error, failedAt }: Failure): number {
    const text = errorText(error);
    const bytes = Buffer.allocUnsafeSlow(headerLength + accepted.length + mostBytesOfDeadLetter(identity, text));
    header().copy(bytes);
    accepted.copy(bytes, headerLength);
    const start = headerLength + accepted.length;
    const length = encodeDeadLetter(bytes, start, identity, reasonNumber(reason), failedAt, text);
    const part = path.join(ownDirectory, `${identity.id}.part`);
    const fd = this.#create(part, bytes, length);
    try {
      this.fs.rename(part, this.pathOf(identity.id));
    } catch (error) {
      this.fs.close(fd);
      throw journalError("rename", part, error);
    }
    return fd;
  }

  /** The dead letters, oldest first; one that cannot be read is logged and left out. */
  async list(): Promise<DeadLetter[]> {
    const deadLetters: DeadLetter[] = [];
    for (const [index, name] of this.#names().entries()) {
      if (index % 64 === 63) await turn();
      const opened = this.open(path.join(this.directory, name));
      if (opened !== undefined) deadLetters.push(opened.deadLetter);
    }
    return deadLetters.sort(byFailure);
  }

  /** undefined when there is none of this id. */
  read(id: string): OpenedDeadLetter | undefined {
    return this.open(this.pathOf(id));
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
      return claimed;
    } catch (error) {
      if (errorCode(error) === "ENOENT") return undefined;
      throw journalError("move", this.pathOf(id), error);
    }
  }

  /** Puts a claimed dead letter back. */
  restore(claimed: string): void {
    this.fs.rename(claimed, path.join(this.directory, path.basename(claimed)));
  }

  /** The dead letters that a dead process had claimed and left in its directory. */
  claimedIn(directory: string): OpenedDeadLetter[] {
    const names = this.fs.readdir(directory).filter((name) => name.endsWith(suffix));
    return names.map((name) => this.open(path.join(directory, name))).filter((opened) => opened !== undefined);
  }

  discard(id: string): boolean {
    try {
      this.fs.unlink(this.pathOf(id));
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

  #names(): string[] {
    try {
      return this.fs.readdir(this.directory).filter((name) => name.endsWith(suffix));
    } catch (error) {
      throw journalError("read", this.directory, error);
    }
  }

  /** undefined when it does not exist, or (which is logged) is not whole. */
  open(file: string): OpenedDeadLetter | undefined {
    let bytes: Buffer;
    try {
      bytes = readFile(this.fs, file);
    } catch (error) {
      if (errorCode(error) === "ENOENT") return undefined;
      throw journalError("read", file, error);
    }
    const opened = openDeadLetter(file, bytes);
    if (opened === undefined)
      this.logger.warn({ file }, "journal: a dead letter is damaged or of a newer version; it is left as it is");
    return opened;
  }
}

/** By time; in the same millisecond by id, where a longer one is the later. */
function byFailure(a: DeadLetter, b: DeadLetter): number {
  return a.failedAt - b.failedAt || a.id.length - b.id.length || (a.id < b.id ? -1 : 1);
}

// The files of dead letters, beside the directories of the owners: any process, and the command line, can list them, take
// them away, or discard them.
import { constants } from "node:fs";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import { OffloadError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import { deadLettersName } from "../files/directory.js";
import { journalError } from "../files/failure.js";
import { errorCode, type FileSystem, readFile } from "../files/file-system.js";
import { encodeBuried, type Identity, mostBytesOfBuried } from "../format/encode.js";
import { type DeadLetterReason, header, headerLength, reasonNumber } from "../format/format.js";
import { isId } from "../format/id.js";
import { type DeadLetter, errorText, type OpenedLetter, openLetter } from "./dead-letter.js";

const { O_CREAT, O_TRUNC, O_WRONLY } = constants;

const letterSuffix = ".letter";

export class LetterFiles {
  readonly directory: string;

  constructor(
    private readonly fs: FileSystem,
    root: string,
    private readonly logger: Logger,
  ) {
    this.directory = path.join(root, deadLettersName);
  }

  /**
   * Writes a letter, in `workshop` first, so that it is never seen half written.
   *
   * @param accepted the ACCEPTED record, brought up to date
   * @returns the descriptor of the file, for the caller to sync and close
   * @throws OffloadError AR_JOURNAL_FULL or AR_JOURNAL_UNAVAILABLE
   */
  write(workshop: string, identity: Identity, accepted: Buffer, reason: DeadLetterReason, error: unknown): number {
    const text = errorText(error);
    const bytes = Buffer.allocUnsafeSlow(headerLength + accepted.length + mostBytesOfBuried(identity, text));
    header().copy(bytes);
    accepted.copy(bytes, headerLength);
    const length = encodeBuried(
      bytes,
      headerLength + accepted.length,
      identity,
      reasonNumber(reason),
      Date.now(),
      text,
    );
    const part = path.join(workshop, `${identity.id}.part`);
    const fd = this.#create(part, bytes, length);
    try {
      this.fs.rename(part, this.pathOf(identity.id));
    } catch (error) {
      this.fs.close(fd);
      throw journalError("rename", part, error);
    }
    return fd;
  }

  /** The letters, oldest first; one that cannot be read is named in the log and left out. */
  async list(): Promise<DeadLetter[]> {
    const letters: DeadLetter[] = [];
    for (const [index, name] of this.#names().entries()) {
      if (index % 64 === 63) await setImmediate();
      const opened = this.open(path.join(this.directory, name));
      if (opened !== undefined) letters.push(opened.letter);
    }
    return letters.sort((a, b) => a.buriedAt - b.buriedAt);
  }

  /** undefined when there is no such letter. */
  read(id: string): OpenedLetter | undefined {
    return this.open(this.pathOf(id));
  }

  /**
   * Takes a letter away into `directory`, where nobody else acts on it; of several that try, one succeeds.
   *
   * @returns where it is now; undefined when there is no such letter (any more)
   */
  claim(id: string, directory: string): string | undefined {
    const claimed = path.join(directory, id + letterSuffix);
    try {
      this.fs.rename(this.pathOf(id), claimed);
      return claimed;
    } catch (error) {
      if (errorCode(error) === "ENOENT") return undefined;
      throw journalError("move", this.pathOf(id), error);
    }
  }

  /** Puts a claimed letter back. */
  restore(claimed: string): void {
    this.fs.rename(claimed, path.join(this.directory, path.basename(claimed)));
  }

  /** The letters that a dead process had claimed and left in its directory. */
  claimedIn(directory: string): OpenedLetter[] {
    const names = this.fs.readdir(directory).filter((name) => name.endsWith(letterSuffix));
    return names.map((name) => this.open(path.join(directory, name))).filter((letter) => letter !== undefined);
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

  /** @throws OffloadError AR_INVALID_ARGUMENT for what is no id: it would name a file elsewhere */
  pathOf(id: string): string {
    if (!isId(id)) throw new OffloadError("AR_INVALID_ARGUMENT", "journal: expected the id of a task");
    return path.join(this.directory, id + letterSuffix);
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
      return this.fs.readdir(this.directory).filter((name) => name.endsWith(letterSuffix));
    } catch (error) {
      throw journalError("read", this.directory, error);
    }
  }

  /** undefined when it is not there, or (which is logged) not whole. */
  open(file: string): OpenedLetter | undefined {
    let bytes: Buffer;
    try {
      bytes = readFile(this.fs, file);
    } catch (error) {
      if (errorCode(error) === "ENOENT") return undefined;
      throw journalError("read", file, error);
    }
    const opened = openLetter(file, bytes);
    if (opened === undefined)
      this.logger.warn({ file }, "journal: a dead letter is damaged, or of a newer version; it is left as it is");
    return opened;
  }
}

// Room on the disk for what has to be written although it is full: the ends of tasks, and dead letters. A file holds the room.
// It shrinks when such a write fails, and no task is accepted until it has grown again.
import { randomFillSync } from "node:crypto";
import { constants } from "node:fs";
import path from "node:path";
import type { OffloadError } from "../../base/errors.js";
import { isFull, journalError } from "../files/failure.js";
import type { FileSystem } from "../files/file-system.js";

const { O_APPEND, O_CREAT, O_WRONLY } = constants;

/** The suffix makes it disappear with its directory, also where another version takes that over. */
const reserveName = "reserve.part";

/** The largest reserve, in bytes: room for some 25,000 ends. It is never more than an eighth of what is free. */
const most = 1024 * 1024;
const block = 4 * 1024;

/** The fewest bytes that are freed at once. */
const slice = 64 * 1024;

export class Reserve {
  // Where the file is.
  #directory = "";
  #size = 0;
  #wanted = 0;

  constructor(
    private readonly fs: FileSystem,
    private readonly ownDirectory: () => string,
  ) {}

  /** Whether nothing of it has been used. */
  get isWhole(): boolean {
    return this.#wanted > 0 && this.#size >= this.#wanted && this.#directory === this.ownDirectory();
  }

  /**
   * Makes the file, or lets it grow again.
   *
   * @returns AR_JOURNAL_FULL if there is no room for it; nothing if it cannot be made for another reason, which is not its concern
   */
  fill(): OffloadError | undefined {
    const directory = this.ownDirectory();
    if (this.#directory !== directory) {
      this.#directory = directory;
      this.#size = 0;
      this.#wanted = 0;
    }
    try {
      this.#wanted = Math.max(this.#wanted, this.#affordable());
      if (this.#size < this.#wanted) this.#grow();
      return undefined;
    } catch (error) {
      return isFull(error) ? journalError("write to", this.#path, error) : undefined;
    }
  }

  /**
   * Frees room for a write that failed.
   *
   * @param share `half`: the other half is left, because the ends of tasks come before their dead letters
   * @returns false if nothing is left to be freed
   */
  release(bytes: number, share: "half" | "all" = "all"): boolean {
    // The last part is for the start of the next process, which needs a directory of its own before it can free anything.
    const kept = share === "half" ? this.#wanted / 2 : Math.min(slice, this.#wanted / 4);
    try {
      const fd = this.fs.open(this.#path, O_WRONLY);
      try {
        this.#size = this.fs.fstat(fd).size;
        if (this.#size <= kept) return false;
        const left = Math.max(kept, this.#size - Math.max(slice, bytes + 4 * block));
        this.fs.truncate(fd, left);
        this.#size = left;
        return true;
      } finally {
        this.fs.close(fd);
      }
    } catch {
      this.#size = 0;
      return false;
    }
  }

  /** Gives all of it back. */
  remove(): void {
    if (this.#wanted > 0) removeReserve(this.fs, this.#directory);
    this.#size = 0;
    this.#wanted = 0;
  }

  get #path(): string {
    return path.join(this.#directory, reserveName);
  }

  #affordable(): number {
    const share = Math.floor(this.fs.space(this.#directory).free / 8 / block) * block;
    return Math.min(most, Math.max(block, share));
  }

  #grow(): void {
    // Not zeros: some file systems keep no room for them.
    const filling = randomFillSync(Buffer.allocUnsafeSlow(slice));
    const fd = this.fs.open(this.#path, O_WRONLY | O_CREAT | O_APPEND, 0o600);
    try {
      while (this.#size < this.#wanted) {
        this.#size += this.fs.write(fd, filling, 0, Math.min(slice, this.#wanted - this.#size));
      }
    } finally {
      this.fs.close(fd);
    }
  }
}

/** Removes the reserve in a directory: nobody writes there any more. */
export function removeReserve(fs: FileSystem, directory: string): boolean {
  try {
    fs.unlink(path.join(directory, reserveName));
    return true;
  } catch {
    // There is none.
    return false;
  }
}

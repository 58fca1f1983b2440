// How much of the disk the dead letters hold, and may hold.
import { OffloadError } from "../../base/errors.js";
import type { FileSystem } from "../files/file-system.js";

export class DeadLetterRoom {
  /** Of all dead letters, as far as this process knows: others write and discard them too. */
  bytes = 0;

  constructor(
    private readonly fs: FileSystem,
    private readonly mostBytes: number = Number.POSITIVE_INFINITY,
  ) {}

  /** A quarter of what the journal may use, or of the disk: they must not take the room of what is still to be done. */
  static of(fs: FileSystem, root: string, maxBytes: number): DeadLetterRoom {
    try {
      return new DeadLetterRoom(fs, Math.min(maxBytes, fs.space(root).total) / 4);
    } catch {
      return new DeadLetterRoom(fs, maxBytes / 4);
    }
  }

  /** @throws OffloadError AR_JOURNAL_FULL if there is no room for so many bytes more */
  check(more: number): void {
    if (this.bytes + more <= this.mostBytes) return;
    throw new OffloadError(
      "AR_JOURNAL_FULL",
      `journal: the dead letters hold ${this.bytes} of the ${this.mostBytes} bytes that maxBytes and the disk leave them`,
    );
  }

  /** 0 where the file is gone. */
  sizeOf(file: string): number {
    try {
      return this.fs.stat(file).size;
    } catch {
      return 0;
    }
  }
}

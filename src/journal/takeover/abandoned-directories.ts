// Takes over the directories of dead processes by renaming them. The rename decides between several that try: one succeeds,
// and the others no longer find the directory.
import path from "node:path";
import type { Logger } from "../../base/logger.js";
import { wallClock } from "../../base/time.js";
import { journalError } from "../files/failure.js";
import { errorCode, type FileSystem } from "../files/file-system.js";
import { removeDirectory } from "../files/remove-directory.js";
import { formatVersion, headerLength, versionOf } from "../format/format.js";
import { isSegmentName } from "../log/segment.js";
import { isOwned, ownerPrefix } from "./ask-owner.js";
import { startingPrefix } from "./ownership.js";
import { directoriesWithin, movingPrefix } from "./recover.js";

/** A directory without a socket is left alone for so long, in ms: its owner may be about to bind it. */
const startingGrace = 60_000;

/** The directories of one dead process: those that it had taken over, then its own. */
export type TakenDirectories = readonly string[];

export class AbandonedDirectories {
  // Numbers the directories in the order in which they were taken over.
  #number = 0;

  constructor(
    private readonly fs: FileSystem,
    private readonly root: string,
    private readonly ownDirectory: () => string,
    private readonly logger: Logger,
  ) {}

  /** Takes over the directories of all dead processes, one process after the other. */
  async *takeAll(): AsyncGenerator<TakenDirectories> {
    for (const name of this.#names()) {
      const directory = path.join(this.root, name);
      if (name.startsWith(startingPrefix)) this.#removeStale(directory);
      if (!name.startsWith(ownerPrefix) || directory === this.ownDirectory()) continue;
      const taken = await this.#take(directory, name.slice(ownerPrefix.length));
      if (taken !== undefined) yield taken;
    }
  }

  #names(): string[] {
    try {
      return this.fs.readdir(this.root);
    } catch (error) {
      throw journalError("read", this.root, error);
    }
  }

  async #take(directory: string, id: string): Promise<TakenDirectories | undefined> {
    try {
      if (await isOwned(this.fs, directory)) return undefined;
      if (this.#isNewer(directory)) return undefined;
      const taken = path.join(this.ownDirectory(), movingPrefix + id);
      this.fs.rename(directory, taken);
      return this.#flatten(taken);
    } catch (error) {
      // ENOENT: another process was first.
      if (errorCode(error) !== "ENOENT") {
        this.logger.error(
          { err: error, directory },
          "journal: the directory of a dead process cannot be taken over; its tasks wait",
        );
      }
      return undefined;
    }
  }

  /** Moves the directories within a directory beside it, each by a rename, so that a series of crashes does not nest them deeper and deeper. */
  #flatten(taken: string): TakenDirectories {
    return directoriesWithin(this.fs, taken).map((directory) => {
      const number = String(++this.#number).padStart(6, "0");
      const to = path.join(this.ownDirectory(), `${number}-${path.basename(directory).replace(/^[^-]*-/, "")}`);
      this.fs.rename(directory, to);
      return to;
    });
  }

  /** Whether a process of a newer version wrote it. Only a process of that version can read it. */
  #isNewer(directory: string): boolean {
    for (const within of directoriesWithin(this.fs, directory)) {
      for (const name of this.fs.readdir(within).filter(isSegmentName)) {
        const version = this.#versionOf(path.join(within, name));
        if (version === undefined || version <= formatVersion) continue;
        this.logger.warn(
          { directory, version, known: formatVersion },
          "journal: a newer version of offload-after-response wrote this directory; it is left for a process of that version",
        );
        return true;
      }
    }
    return false;
  }

  #versionOf(file: string): number | undefined {
    const fd = this.fs.open(file, "r");
    try {
      const bytes = Buffer.alloc(headerLength);
      return versionOf(bytes.subarray(0, this.fs.read(fd, bytes, 0, headerLength, 0)));
    } catch {
      // The takeover reads it again and reports the error.
      return undefined;
    } finally {
      this.fs.close(fd);
    }
  }

  /** Removes what a process left that was killed before its directory had its name. Nothing was accepted there. */
  #removeStale(directory: string): void {
    try {
      if (wallClock() - this.fs.stat(directory).mtimeMs > startingGrace) removeDirectory(this.fs, directory);
    } catch {
      // It has been renamed meanwhile.
    }
  }
}

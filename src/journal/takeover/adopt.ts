// Takes over the directories of dead owners. A rename decides: of several that try, one succeeds, and the others find
// nothing there any more.
import path from "node:path";
import type { Logger } from "../../base/logger.js";
import { journalError } from "../files/failure.js";
import { errorCode, type FileSystem } from "../files/file-system.js";
import { formatVersion, headerLength, versionOf } from "../format/format.js";
import { isSegmentName } from "../log/segment.js";
import { isOwned, ownerPrefix, removeDirectory, startingPrefix } from "./owner.js";
import { directoriesWithin } from "./recover.js";

/** A directory without a socket is left alone so long, in ms: its owner may be about to bind it. */
const startingGrace = 60_000;

/** What was one owner's: its own directory, and before it those that it had adopted. */
export type Estate = readonly string[];

export class Adopter {
  // Gives the adopted directories their names, in the order of adoption.
  #number = 0;

  constructor(
    private readonly fs: FileSystem,
    private readonly root: string,
    private readonly own: () => string,
    private readonly logger: Logger,
  ) {}

  /** Takes over whatever is without a living owner, and yields it piece by piece. */
  async *adopt(): AsyncGenerator<Estate> {
    for (const name of this.#names()) {
      const directory = path.join(this.root, name);
      if (name.startsWith(startingPrefix)) this.#removeStale(directory);
      if (!name.startsWith(ownerPrefix) || directory === this.own()) continue;
      const estate = await this.#take(directory, name.slice(ownerPrefix.length));
      if (estate !== undefined) yield estate;
    }
  }

  #names(): string[] {
    try {
      return this.fs.readdir(this.root);
    } catch (error) {
      throw journalError("read", this.root, error);
    }
  }

  async #take(directory: string, id: string): Promise<Estate | undefined> {
    try {
      if (await isOwned(this.fs, directory)) return undefined;
      if (this.#isNewer(directory)) return undefined;
      const taken = path.join(this.own(), `adopting-${id}`);
      this.fs.rename(directory, taken);
      return this.#flatten(taken);
    } catch (error) {
      // ENOENT: another process was first.
      if (errorCode(error) !== "ENOENT") {
        this.logger.error(
          { err: error, directory },
          "journal: a directory of a dead process cannot be adopted; its tasks wait",
        );
      }
      return undefined;
    }
  }

  /** Puts what a directory contains beside it, each by a rename of its own, so that no chain of crashes nests ever deeper. */
  #flatten(taken: string): Estate {
    return directoriesWithin(this.fs, taken).map((directory) => {
      const number = String(++this.#number).padStart(6, "0");
      const to = path.join(this.own(), `${number}-${path.basename(directory).replace(/^[^-]*-/, "")}`);
      this.fs.rename(directory, to);
      return to;
    });
  }

  /** A process of a newer version wrote it, and one of its kind must read it. */
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
      // A file that cannot be read is dealt with when the whole is.
      return undefined;
    } finally {
      this.fs.close(fd);
    }
  }

  /** What a process left that was killed before its directory had its name. Nothing was accepted there. */
  #removeStale(directory: string): void {
    try {
      if (Date.now() - this.fs.stat(directory).mtimeMs > startingGrace) removeDirectory(this.fs, directory);
    } catch {
      // It has been given its name meanwhile.
    }
  }
}

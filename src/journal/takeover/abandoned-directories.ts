// Takes over the directories of dead processes by renaming them. The rename decides between several that try: one succeeds,
// and the others no longer find the directory.
//
// A directory without a socket may be that of a living process, whose socket somebody has removed. Where the kernel shows that
// the process still listens, the directory is left alone. Else it is renamed too, and read only when its owner has had the time
// to notice this and to rename it back.
import path from "node:path";
import type { Logger } from "../../base/logger.js";
import { sleep, wallClock } from "../../base/time.js";
import { journalError } from "../files/failure.js";
import { errorCode, type FileSystem } from "../files/file-system.js";
import { removeDirectory } from "../files/remove-directory.js";
import { formatVersion, headerLength, versionOf } from "../format/format.js";
import { isSegmentName } from "../log/segment.js";
import { type OwnerState, ownerPrefix, startingPrefix } from "./ask-owner.js";
import { type IsListening, isListening } from "./listening-sockets.js";
import { checkInterval } from "./ownership.js";
import { directoriesWithin, movingPrefix } from "./recover.js";
import type { Siblings } from "./siblings.js";

/** How long a directory without a socket is left alone, in ms, because its owner may be about to bind the socket. */
const startingGrace = 60_000;

/** How long the owner of a directory without a socket has to rename it back, in ms. The owner looks every second. */
const defaultUnboundGrace: number = 3 * checkInterval;

/** The directories of one dead process: those that it had taken over, then its own. */
export type TakenDirectories = readonly string[];

export class AbandonedDirectories {
  // Numbers the directories in the order in which they were taken over.
  #number = 0;

  constructor(
    private readonly fs: FileSystem,
    private readonly root: string,
    private readonly ownDirectory: () => string,
    private readonly siblings: Siblings,
    private readonly logger: Logger,
    private readonly unboundGrace: number = defaultUnboundGrace,
    private readonly listens: IsListening = isListening,
  ) {}

  /** Takes over the directories of all dead processes, one process after the other. */
  async *takeAll(): AsyncGenerator<TakenDirectories> {
    const unbound: string[] = [];
    for (const name of this.#names()) {
      const directory = path.join(this.root, name);
      if (name.startsWith(startingPrefix)) this.#removeStale(directory);
      if (!name.startsWith(ownerPrefix) || directory === this.ownDirectory()) continue;
      const moving = await this.#claim(directory, name.slice(ownerPrefix.length));
      if (moving?.state === "unbound") unbound.push(moving.path);
      const taken = moving?.state === "dead" ? await this.#flatten(moving.path) : undefined;
      if (taken !== undefined) yield taken;
    }
    if (unbound.length > 0 && this.unboundGrace > 0) await sleep(this.unboundGrace);
    for (const moving of unbound) {
      const taken = await this.#flatten(moving);
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

  /** Moves the directory of a dead process into that of this one. */
  async #claim(directory: string, id: string): Promise<{ path: string; state: OwnerState } | undefined> {
    return this.#attempt(directory, async () => {
      const state = await this.siblings.state(directory);
      if (state === "alive" || (state === "unbound" && (await this.listens(this.root, id)))) return undefined;
      if (this.#isNewer(directory)) return undefined;
      const moving = path.join(this.ownDirectory(), movingPrefix + id);
      this.fs.rename(directory, moving);
      return { path: moving, state };
    });
  }

  /**
   * Moves the directories within a directory beside it, each by a rename, so that a series of crashes does not nest them deeper
   * and deeper. From now on they are those of this process.
   */
  #flatten(moving: string): Promise<TakenDirectories | undefined> {
    return this.#attempt(moving, async () =>
      directoriesWithin(this.fs, moving).map((directory) => {
        const number = String(++this.#number).padStart(6, "0");
        const to = path.join(this.ownDirectory(), `${number}-${path.basename(directory).replace(/^[^-]*-/, "")}`);
        this.fs.rename(directory, to);
        return to;
      }),
    );
  }

  async #attempt<Result>(directory: string, action: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await action();
    } catch (error) {
      // ENOENT: another process was first, or the owner lives.
      if (errorCode(error) !== "ENOENT") {
        this.logger.error(
          { err: error, directory },
          "journal: the directory of a dead process cannot be taken over; its tasks wait",
        );
      }
      return undefined;
    }
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

// One directory belongs to one process for as long as the process lives. A unix socket in it shows this: the kernel refuses
// connections to it from the moment the process is gone, however it ended. (The pid in a file means nothing to another
// container, and another process gets it later.)
import { randomBytes } from "node:crypto";
import path from "node:path";
import type { Logger } from "../../base/logger.js";
import { clearTicker, setTicker } from "../../base/time.js";
import { prepareDirectory, socketName } from "../files/directory.js";
import { isFull, journalError } from "../files/failure.js";
import { errorCode, type FileSystem } from "../files/file-system.js";
import { removeReserve } from "../log/reserve.js";
import type { SegmentDirectory } from "../log/segment-writer.js";
import { ownerPrefix, startingPrefix } from "./ask-owner.js";
import { OwnerSocket, type OwnerSocketObserver } from "./owner-socket.js";
import { movingPrefix } from "./recover.js";

/** How often the socket is looked for, in ms. Others wait longer before they read a directory whose socket is missing. */
export const checkInterval = 1_000;

export class Ownership implements SegmentDirectory {
  #directory = "";
  #socket: OwnerSocket | undefined;
  readonly #ticker: NodeJS.Timeout;

  /** @throws OffloadError AR_JOURNAL_UNAVAILABLE when no directory can be made, or no socket in it */
  constructor(
    private readonly fs: FileSystem,
    private readonly root: string,
    private readonly logger: Logger,
    private readonly observer: OwnerSocketObserver,
  ) {
    this.#claimOnFullDisk();
    this.#ticker = setTicker(() => this.#checkQuietly(), checkInterval).unref();
  }

  get directory(): string {
    return this.#directory;
  }

  /** Others see that this process lives only by the socket. If it is gone, they take the directory over, or soon will. */
  check(): void {
    if (this.#socket === undefined || !this.#isMissing(path.join(this.#directory, socketName))) return;
    if (this.#isMissing(this.#directory) && !this.#takeBack()) {
      this.replace();
      return;
    }
    this.#socket.close(this.#directory);
    this.#socket = new OwnerSocket(this.fs, this.#directory, this.observer, this.logger);
    this.logger.warn(
      { directory: this.#directory },
      "journal: somebody has removed the socket of this process, by which others see that it lives; it is bound again",
    );
    // One that started meanwhile could not connect, so neither of the two knows the other.
    this.observer.onSiblingsChanged();
  }

  replace(): void {
    this.logger.error(
      { directory: this.#directory },
      "journal: the directory of this process has vanished; another one is made",
    );
    this.#close();
    prepareDirectory(this.fs, this.root, this.logger);
    this.#claim();
  }

  /** Gives the directory up. The next process to start takes over what is left in it. */
  release(): void {
    clearTicker(this.#ticker);
    this.#close();
  }

  #close(): void {
    this.#socket?.close(this.#directory);
    this.#socket = undefined;
  }

  #claimOnFullDisk(): void {
    try {
      this.#claim();
    } catch (error) {
      if (!isFull(error) || !this.#removeReserves()) throw error;
      this.#claim();
    }
  }

  /**
   * Removes the reserves of all processes, so that a process can start on a full disk and free what dead ones have left. The
   * living find out when they need theirs.
   */
  #removeReserves(): boolean {
    const owners = this.fs.readdir(this.root).filter((name) => name.startsWith(ownerPrefix));
    return owners.map((name) => removeReserve(this.fs, path.join(this.root, name))).includes(true);
  }

  #claim(): void {
    const id = randomBytes(6).toString("hex");
    const starting = path.join(this.root, startingPrefix + id);
    const owned = path.join(this.root, ownerPrefix + id);
    try {
      this.fs.mkdir(starting, 0o700);
    } catch (error) {
      throw journalError("create", starting, error);
    }
    const socket = new OwnerSocket(this.fs, starting, this.observer, this.logger);
    try {
      // It gets the name under which others find it once they can see that it is owned.
      this.fs.rename(starting, owned);
    } catch (error) {
      socket.close(starting);
      throw journalError("rename", starting, error);
    }
    this.#socket = socket;
    this.#directory = owned;
  }

  /**
   * Another process that found no socket has begun to take the directory over, and waits before it reads it. Whoever renames
   * it next has it.
   */
  #takeBack(): boolean {
    const name = movingPrefix + path.basename(this.#directory).slice(ownerPrefix.length);
    try {
      for (const owner of this.fs.readdir(this.root).filter((name) => name.startsWith(ownerPrefix))) {
        if (this.#isRenamed(path.join(this.root, owner, name))) return true;
      }
    } catch {
      // The whole journal has vanished.
    }
    return false;
  }

  #isRenamed(moving: string): boolean {
    try {
      this.fs.rename(moving, this.#directory);
      return true;
    } catch {
      return false;
    }
  }

  /** Whether it does not exist; false where the file system does not answer that. */
  #isMissing(file: string): boolean {
    try {
      this.fs.stat(file);
      return false;
    } catch (error) {
      return errorCode(error) === "ENOENT";
    }
  }

  #checkQuietly(): void {
    try {
      this.check();
    } catch (err) {
      this.logger.error(
        { err, directory: this.#directory },
        "journal: the directory of this process cannot be restored",
      );
    }
  }
}

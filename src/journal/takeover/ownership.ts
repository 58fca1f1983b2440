// One directory belongs to one process for as long as the process lives. A unix socket in it shows this: the kernel refuses
// connections to it from the moment the process is gone, however it ended. (The pid in a file means nothing to another
// container, and another process gets it later.)
import { randomBytes } from "node:crypto";
import net from "node:net";
import path from "node:path";
import type { Logger } from "../../base/logger.js";
import { prepareDirectory, socketName } from "../files/directory.js";
import { journalError, unavailable } from "../files/failure.js";
import type { FileSystem } from "../files/file-system.js";
import type { SegmentDirectory } from "../log/segment-writer.js";
import { ownerPrefix, takeOverMessage } from "./ask-owner.js";
import { type SocketPath, socketPath } from "./socket-path.js";

/** A directory whose owner has not bound its socket yet. Nobody takes it over. */
export const startingPrefix = "starting-";

export class Ownership implements SegmentDirectory {
  #directory = "";
  #server: net.Server | undefined;
  #address: SocketPath | undefined;

  /** @throws OffloadError AR_JOURNAL_UNAVAILABLE when no directory can be made, or no socket in it */
  constructor(
    private readonly fs: FileSystem,
    private readonly root: string,
    private readonly logger: Logger,
    /** Another process asks this one to look for directories to take over. */
    private readonly onAskedToTakeOver: () => void,
  ) {
    this.#claim();
  }

  get directory(): string {
    return this.#directory;
  }

  replace(): void {
    this.logger.error(
      { directory: this.#directory },
      "journal: the directory of this process has vanished; another one is made",
    );
    this.release();
    prepareDirectory(this.fs, this.root, this.logger);
    this.#claim();
  }

  /** Gives the directory up. The next process to start takes over what is left in it. */
  release(): void {
    // close() closes the handle and unlinks its path before it returns.
    this.#server?.close();
    this.#address?.release();
    this.#server = undefined;
    this.#address = undefined;
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
    this.#listen(starting);
    try {
      // It gets the name under which others find it once they can see that it is owned.
      this.fs.rename(starting, owned);
    } catch (error) {
      this.release();
      throw journalError("rename", starting, error);
    }
    this.#directory = owned;
  }

  #listen(directory: string): void {
    const address = socketPath(this.fs, directory, socketName);
    const server = net.createServer((socket) => this.#answer(socket));
    // The reason why it could not bind comes a tick later, after the caller has been refused.
    server.on("error", (error) =>
      this.logger.warn({ err: error }, "journal: the socket of the owner reports an error"),
    );
    // `exclusive`: in a worker of node:cluster the primary would bind the socket, and outlive the worker. It also makes the
    // call bind at once; `listening` tells whether it did.
    server.listen({ path: address.path, exclusive: true, backlog: 1_024 });
    server.unref();
    if (!server.listening) {
      address.release();
      throw unavailable(`cannot bind a unix socket in ${directory}; does its file system support sockets?`);
    }
    this.#server = server;
    this.#address = address;
  }

  #answer(socket: net.Socket): void {
    socket.unref();
    socket.on("error", () => {});
    socket.setEncoding("utf8");
    socket.once("data", (text) => {
      if (text.toString() === takeOverMessage) this.onAskedToTakeOver();
      socket.end();
    });
    socket.once("end", () => socket.end());
  }
}

// The unix socket in the directory of a process. Whoever wants to know whether the process lives connects to it.
import net from "node:net";
import path from "node:path";
import type { Logger } from "../../base/logger.js";
import { socketName } from "../files/directory.js";
import { unavailable } from "../files/failure.js";
import type { FileSystem } from "../files/file-system.js";
import { takeOverMessage } from "./ask-owner.js";
import { mostWatched } from "./siblings.js";
import { type SocketPath, socketPath } from "./socket-path.js";

export interface OwnerSocketObserver {
  /** Another process asks this one to look for directories to take over. */
  onAskedToTakeOver(): void;
  /** A process that shares the journal may be gone, or a new one may be there. */
  onSiblingsChanged(): void;
}

export class OwnerSocket {
  readonly #server: net.Server;
  readonly #address: SocketPath;
  readonly #connections = new Set<net.Socket>();
  #isClosed = false;

  /** @throws OffloadError AR_JOURNAL_UNAVAILABLE when no socket can be bound in the directory */
  constructor(
    private readonly fs: FileSystem,
    directory: string,
    private readonly observer: OwnerSocketObserver,
    logger: Logger,
  ) {
    this.#address = socketPath(fs, directory, socketName);
    this.#server = net.createServer((socket) => this.#answer(socket));
    // The reason why it could not bind comes a tick later, after the caller has been refused.
    this.#server.on("error", (err) => logger.warn({ err }, "journal: the socket of the owner reports an error"));
    // `exclusive`: in a worker of node:cluster the primary would bind the socket, and outlive the worker. It also makes the
    // call bind at once; `listening` tells whether it did.
    this.#server.listen({ path: this.#address.path, exclusive: true, backlog: 1_024 });
    this.#server.unref();
    if (!this.#server.listening) {
      this.#address.release();
      throw unavailable(`cannot bind a unix socket in ${directory}; does its file system support sockets?`);
    }
  }

  /**
   * Stops listening. The file stays: connecting to it is refused, which shows that the process has given the directory up. If
   * the file were missing, others could not know whether somebody had removed it.
   */
  close(directory: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const file = path.join(directory, socketName);
    const aside = `${file}.part`;
    this.#rename(file, aside);
    // Closes the handle, and unlinks its path, before it returns.
    this.#server.close();
    this.#address.release();
    this.#rename(aside, file);
    for (const socket of this.#connections) socket.destroy();
  }

  #rename(from: string, to: string): void {
    try {
      this.fs.rename(from, to);
    } catch {
      // It has been removed.
    }
  }

  #answer(socket: net.Socket): void {
    this.#connections.add(socket);
    socket.unref();
    socket.on("error", () => {});
    socket.setEncoding("utf8");
    socket.once("data", (text) => {
      if (text.toString() === takeOverMessage) this.observer.onAskedToTakeOver();
      socket.end();
    });
    socket.once("end", () => socket.end());
    socket.once("close", () => {
      this.#connections.delete(socket);
      if (!this.#isClosed && this.#connections.size < mostWatched) this.observer.onSiblingsChanged();
    });
  }
}

// Watches the processes that share the journal: a connection to the socket of each, which the kernel closes the moment one of
// the two processes is gone. So the process that connects is watched as well.
import type net from "node:net";
import path from "node:path";
import type { FileSystem } from "../files/file-system.js";
import { type OwnerState, ownerPrefix, ownerState } from "./ask-owner.js";

/** How many are watched, because each costs a descriptor in both processes. The regular look finds the death of others. */
export const mostWatched = 64;

export class Siblings {
  /** By directory. */
  readonly #watched = new Map<string, net.Socket>();
  #isClosed = false;

  constructor(
    private readonly fs: FileSystem,
    /** A watched process is gone, or has closed its journal. */
    private readonly onGone: () => void,
  ) {}

  /** Connects to all, so that they notice when this process dies, however soon. Never rejects. */
  async meet(root: string, ownDirectory: string): Promise<void> {
    try {
      const owners = this.fs.readdir(root).filter((name) => name.startsWith(ownerPrefix));
      const directories = owners.map((name) => path.join(root, name)).filter((directory) => directory !== ownDirectory);
      await Promise.all(directories.map((directory) => this.state(directory)));
    } catch {
      // The regular look finds them, and reports what is wrong.
    }
  }

  /** Whether the owner of a directory lives. If so, it is watched from now on. */
  async state(directory: string): Promise<OwnerState> {
    // A watched one is not asked again: the connection would end, and the other process would take that for a death and look too.
    if (this.#watched.has(directory)) return "alive";
    if (this.#watched.size >= mostWatched) return ownerState(this.fs, directory);
    return ownerState(this.fs, directory, (socket) => this.#watch(directory, socket));
  }

  /** Watches nobody any more. */
  close(): void {
    this.#isClosed = true;
    const sockets = [...this.#watched.values()];
    this.#watched.clear();
    for (const socket of sockets) socket.destroy();
  }

  #watch(directory: string, socket: net.Socket): void {
    if (this.#isClosed || this.#watched.has(directory)) {
      socket.destroy();
      return;
    }
    this.#watched.set(directory, socket);
    socket.unref();
    socket.resume();
    socket.once("close", () => {
      if (this.#watched.delete(directory)) this.onGone();
    });
  }
}

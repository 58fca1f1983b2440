// Watches the processes that share the journal: a connection to the socket of each, which the kernel closes the moment that
// process is gone.
import type net from "node:net";
import type { FileSystem } from "../files/file-system.js";
import { type OwnerState, ownerState } from "./ask-owner.js";

/** Each costs a descriptor here and one there. Others are found dead by the regular look. */
const mostWatched = 64;

export class Siblings {
  /** By directory. */
  readonly #watched = new Map<string, net.Socket>();

  constructor(
    private readonly fs: FileSystem,
    /** A watched process is gone, or has closed its journal. */
    private readonly onGone: () => void,
  ) {}

  /** Whether the owner of a directory lives. If so, it is watched from now on. */
  state(directory: string): Promise<OwnerState> {
    if (this.#watched.has(directory) || this.#watched.size >= mostWatched) return ownerState(this.fs, directory);
    return ownerState(this.fs, directory, (socket) => this.#watch(directory, socket));
  }

  /** Watches nobody any more. */
  close(): void {
    const sockets = [...this.#watched.values()];
    this.#watched.clear();
    for (const socket of sockets) socket.destroy();
  }

  #watch(directory: string, socket: net.Socket): void {
    this.#watched.set(directory, socket);
    socket.unref();
    socket.resume();
    socket.once("close", () => {
      if (this.#watched.delete(directory)) this.onGone();
    });
  }
}

// One directory belongs to one process for as long as the process lives, which a unix socket in it shows: the kernel refuses
// connections to it from the moment the process is gone, however it went. (The pid in a file means nothing to another
// container, and is given to another process after a while.)
import { randomBytes } from "node:crypto";
import net from "node:net";
import path from "node:path";
import type { Logger } from "../../base/logger.js";
import { prepareDirectory } from "../files/directory.js";
import { journalError, unavailable } from "../files/failure.js";
import { errorCode, type FileSystem } from "../files/file-system.js";
import type { SegmentHome } from "../log/segment-writer.js";
import { type SocketPath, socketPath } from "./socket-path.js";

const socketName = "owner.sock";
export const ownerPrefix = "owner-";
/** A directory whose owner has not bound its socket yet. Nobody looks at it. */
export const startingPrefix = "starting-";

/** Sent to an owner: there is a directory to adopt. */
const adoptMessage = "adopt\n";

export class Ownership implements SegmentHome {
  #directory = "";
  #server: net.Server | undefined;
  #address: SocketPath | undefined;

  /** @throws OffloadError AR_JOURNAL_UNAVAILABLE when no directory can be made, or no socket in it */
  constructor(
    private readonly fs: FileSystem,
    private readonly root: string,
    private readonly logger: Logger,
    /** Somebody says that there is a directory to adopt. */
    private readonly onAdopt: () => void,
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

  /** Gives the directory up. What is left in it is adopted by whoever starts next. */
  release(): void {
    // The handle is closed, and the path it was bound to unlinked, before close() returns.
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
      // It gets its name, under which others find it, when it can already be seen to be owned.
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
    // Why it could not bind is told a tick later, when the caller has long been refused.
    server.on("error", (error) =>
      this.logger.warn({ err: error }, "journal: the socket of the owner reports an error"),
    );
    // `exclusive`: in a worker of node:cluster the primary would bind the socket, and outlive the worker. It also makes the
    // call bind at once; `listening` says whether it did.
    server.listen({ path: address.path, exclusive: true, backlog: 1_024 });
    server.unref();
    if (!server.listening) {
      address.release();
      throw unavailable(`cannot bind a unix socket in ${directory}; does its file system take sockets?`);
    }
    this.#server = server;
    this.#address = address;
  }

  #answer(socket: net.Socket): void {
    socket.unref();
    socket.on("error", () => {});
    socket.setEncoding("utf8");
    socket.once("data", (text) => {
      if (text.toString() === adoptMessage) this.onAdopt();
      socket.end();
    });
    socket.once("end", () => socket.end());
  }
}

/** Whether the process that `directory` belongs to lives. */
export async function isOwned(fs: FileSystem, directory: string): Promise<boolean> {
  const address = socketPath(fs, directory, socketName);
  try {
    return await new Promise((resolve) => {
      const socket = net.connect({ path: address.path });
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
      // Only these say that nobody listens. A full backlog (EAGAIN), say, does not.
      socket.once("error", (error) => resolve(!["ECONNREFUSED", "ENOENT"].includes(errorCode(error))));
    });
  } finally {
    address.release();
  }
}

// An owner whose main thread is blocked answers late or never, and must not hold up whoever leaves.
const askMs = 1_000;

/** Asks every living owner below `root` to look for directories to adopt; whether one was there to be asked. */
export async function askOwnersToAdopt(fs: FileSystem, root: string): Promise<boolean> {
  const owners = fs.readdir(root).filter((name) => name.startsWith(ownerPrefix));
  // All of them, for the first may be about to end.
  const told = await Promise.all(owners.map((name) => askToAdopt(fs, path.join(root, name))));
  return told.includes(true);
}

/** Asks the owner of one directory. */
export async function askToAdopt(fs: FileSystem, directory: string): Promise<boolean> {
  const address = socketPath(fs, directory, socketName);
  try {
    return await new Promise((resolve) => {
      const socket = net.connect({ path: address.path }, () => socket.end(adoptMessage));
      socket.resume();
      socket.setTimeout(askMs, () => socket.destroy());
      socket.once("end", () => resolve(true));
      // Without `end` before it: nobody was there, or nobody answered.
      socket.once("close", () => resolve(false));
      socket.once("error", () => {});
    });
  } finally {
    address.release();
  }
}

/** Deletes a directory that nothing is left in but its socket and what was written half. */
export function removeDirectory(fs: FileSystem, directory: string): void {
  try {
    for (const name of fs.readdir(directory)) {
      if (name === socketName || name.endsWith(".part")) fs.unlink(path.join(directory, name));
    }
    fs.rmdir(directory);
  } catch {
    // Something else is in it, or it is gone.
  }
}

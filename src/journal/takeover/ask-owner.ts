// Asks the owner of a directory through its socket: whether it lives, and whether it takes over what others have left.
import net from "node:net";
import path from "node:path";
import { socketName } from "../files/directory.js";
import { errorCode, type FileSystem } from "../files/file-system.js";
import { socketPath } from "./socket-path.js";

export const ownerPrefix = "owner-";

/** A directory whose owner has not bound its socket yet. Nobody takes it over. */
export const startingPrefix = "starting-";

/** Asks an owner to look for directories to take over. Processes of other versions send and understand it too. */
export const takeOverMessage = "adopt\n";

/**
 * What the socket tells of an owner. `dead`: nobody listens, because the process is gone or has given the directory up.
 * `unbound`: there is no socket; somebody has removed it, or the directory is a copy.
 */
export type OwnerState = "alive" | "dead" | "unbound";

/** @param connected is given the connection to a living owner, and has to end it */
export async function ownerState(
  fs: FileSystem,
  directory: string,
  connected: (socket: net.Socket) => void = (socket) => void socket.destroy(),
): Promise<OwnerState> {
  const address = socketPath(fs, directory, socketName);
  try {
    return await new Promise((resolve) => {
      const socket = net.connect({ path: address.path });
      socket.once("connect", () => {
        connected(socket);
        resolve("alive");
      });
      socket.on("error", (error) => resolve(stateAfter(errorCode(error))));
    });
  } finally {
    address.release();
  }
}

/** Whether the process that a directory belongs to lives. */
export async function isOwned(fs: FileSystem, directory: string): Promise<boolean> {
  return (await ownerState(fs, directory)) === "alive";
}

/** Only these mean that nobody listens. A full backlog (EAGAIN), for example, does not. */
function stateAfter(code: string): OwnerState {
  if (code === "ECONNREFUSED") return "dead";
  return code === "ENOENT" ? "unbound" : "alive";
}

// An owner whose main thread is blocked answers late or never, and must not hold up the process that asks.
const longestAnswer = 1_000;

/** Asks every living owner below `root` to look for directories to take over; returns whether one answered. */
export async function askOwnersToTakeOver(fs: FileSystem, root: string): Promise<boolean> {
  const owners = fs.readdir(root).filter((name) => name.startsWith(ownerPrefix));
  // All of them, because the first may be about to end.
  const answers = await Promise.all(owners.map((name) => askToTakeOver(fs, path.join(root, name))));
  return answers.includes(true);
}

/** Asks the owner of one directory. */
export async function askToTakeOver(fs: FileSystem, directory: string): Promise<boolean> {
  const address = socketPath(fs, directory, socketName);
  try {
    return await new Promise((resolve) => {
      const socket = net.connect({ path: address.path }, () => socket.end(takeOverMessage));
      socket.resume();
      socket.setTimeout(longestAnswer, () => socket.destroy());
      socket.once("end", () => resolve(true));
      // Without `end` before it, nobody has answered.
      socket.once("close", () => resolve(false));
      socket.once("error", () => {});
    });
  } finally {
    address.release();
  }
}

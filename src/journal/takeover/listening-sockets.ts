// An owner whose socket was removed still listens on it, and the kernel's table of sockets has the path that it was bound to.
// So a living owner is recognised although its main thread is blocked and it cannot bind the socket again.
import { readFile } from "node:fs/promises";
import path from "node:path";
import { socketName } from "../files/directory.js";
import { ownerPrefix, startingPrefix } from "./ask-owner.js";

/**
 * Whether a process listens that has bound the socket of this owner. false means that it is not known: only Linux has such a
 * table, a process of another network namespace (a container) is not in it, and neither is a path that is too long for a
 * socket's address.
 */
export type IsListening = (root: string, id: string) => Promise<boolean>;

/** The flags of a socket that listens, `__SO_ACCEPTCON`. */
const accepting = "00010000";

export const isListening: IsListening = async (root, id) => {
  // A socket keeps the path of its bind, which may be before its directory got its name.
  const paths = [startingPrefix, ownerPrefix].map((prefix) => path.join(root, prefix + id, socketName));
  let table: string;
  try {
    table = await readFile("/proc/net/unix", "utf8");
  } catch {
    return false;
  }
  // Num RefCount Protocol Flags Type St Inode Path
  return table.split("\n").some((line) => {
    return line.split(" ")[3] === accepting && paths.some((bound) => line.endsWith(` ${bound}`));
  });
};

// Whether a process listens on a unix socket whose file somebody has removed. Linux lists the sockets of a network namespace
// with the paths at which they were bound, also while their process is stopped or blocked, and no longer once it is gone.
import path from "node:path";
import { socketName } from "../files/directory.js";
import type { FileSystem } from "../files/file-system.js";

const list = "/proc/net/unix";
/** The flag __SO_ACCEPTCON: it listens. */
const listens = "00010000";

/**
 * True is certain, false is not: the owner may live in another network namespace or see the directory at another path.
 *
 * @param names what the directory is called, or was called when the socket was bound
 */
export function listensWithoutFile(fs: FileSystem, root: string, names: readonly string[]): boolean {
  const paths = names.map((name) => path.join(root, name, socketName));
  try {
    return readAll(fs, list)
      .split("\n")
      .some((line) => {
        const [, flags, bound = ""] = line.match(/^\S+: \S+ \S+ (\S+) \S+ \S+ +\S+ (.+)$/) ?? [];
        return flags === listens && paths.includes(bound);
      });
  } catch {
    // Not on Linux.
    return false;
  }
}

/** A file of the kernel's, whose size is told as 0. */
function readAll(fs: FileSystem, file: string): string {
  const fd = fs.open(file, "r");
  try {
    const chunks: Buffer[] = [];
    for (let position = 0; ; ) {
      const chunk = Buffer.allocUnsafe(65_536);
      const count = fs.read(fd, chunk, 0, chunk.length, position);
      if (count === 0) return Buffer.concat(chunks).toString();
      chunks.push(chunk.subarray(0, count));
      position += count;
    }
  } finally {
    fs.close(fd);
  }
}

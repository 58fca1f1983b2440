// A socket's address holds 108 bytes on Linux and 104 on macOS, with the final zero, and the directories of journals can be
// deep. Measured: Node 20 and 22 silently cut a longer path off (and would bind or ask at another place), Node 24 and 26
// fail with EINVAL.
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import path from "node:path";
import { journalError } from "../files/failure.js";
import type { FileSystem } from "../files/file-system.js";

const longest = 103;

/** A path to a socket that fits into an address, and the function that frees it after use. */
export interface SocketPath {
  readonly path: string;
  release(): void;
}

/**
 * A path to `name` in `directory` that fits into a socket's address: the plain one if it fits, else one through the open
 * directory (Linux) or through a link in the directory for temporary files.
 *
 * For a listening socket, call `release` after its close: libuv unlinks the path it was bound to, and the number of a closed
 * descriptor soon means another directory.
 *
 * @throws OffloadError AR_JOURNAL_UNAVAILABLE
 */
export function socketPath(
  fs: FileSystem,
  directory: string,
  name: string,
  platform: string = process.platform,
): SocketPath {
  const plain = path.join(directory, name);
  if (Buffer.byteLength(plain) <= longest) return { path: plain, release() {} };
  try {
    return platform === "linux" ? throughDescriptor(fs, directory, name) : throughLink(fs, directory, name);
  } catch (error) {
    throw journalError("shorten the path of the socket", plain, error);
  }
}

function throughDescriptor(fs: FileSystem, directory: string, name: string): SocketPath {
  const fd = fs.open(directory, "r");
  return { path: `/proc/self/fd/${fd}/${name}`, release: () => fs.close(fd) };
}

function throughLink(fs: FileSystem, directory: string, name: string): SocketPath {
  const link = path.join(tmpdir(), `ar-${randomBytes(6).toString("hex")}`);
  fs.symlink(directory, link);
  return { path: path.join(link, name), release: () => fs.unlink(link) };
}

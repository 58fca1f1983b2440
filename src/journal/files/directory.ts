// Prepares the directory of a journal, and checks that only this user can write to it and that it is on a disk of this machine.
import path from "node:path";
import type { Logger } from "../../base/logger.js";
import { journalError, unavailable } from "./failure.js";
import { errorCode, type FileStatus, type FileSystem } from "./file-system.js";

/** In the directory of a process, which is its owner. */
export const socketName = "owner.sock";

// Beside the directories of the owners.
export const deadLettersName = "dead-letters";
export const damagedName = "damaged";

// The numbers are those of statfs(2).
const remote = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB"],
  [0x00c36400, "Ceph"],
]);

/**
 * Makes the directory if it is missing, and its subdirectories.
 *
 * @throws OffloadError AR_JOURNAL_UNAVAILABLE that names the directory and says why it cannot be used
 */
export function prepareDirectory(fs: FileSystem, root: string, logger: Logger): void {
  if (process.platform === "win32")
    throw unavailable("Windows has no unix sockets in directories, which the journal needs");
  attempt("create", root, () => makeDirectory(fs, root));
  const status = attempt("look at", root, () => fs.stat(root));
  if (!status.isDirectory()) throw unavailable(`${root} is no directory`);
  refuseIfNotPrivate(root, status);
  refuseIfRemote(fs, root, logger);
  for (const name of [deadLettersName, damagedName]) {
    const directory = path.join(root, name);
    attempt("create", directory, () => makeDirectory(fs, directory));
  }
}

/** The directory is private, its parents are not. (Node's own recursive mkdir reports EROFS as ENOENT.) */
function makeDirectory(fs: FileSystem, directory: string, mode = 0o700): void {
  if (isMade(fs, directory, mode)) return;
  makeDirectory(fs, path.dirname(directory), 0o777);
  if (!isMade(fs, directory, mode)) throw new Error("its parent is deleted as soon as it is made");
}

/** false if its parent is missing. */
function isMade(fs: FileSystem, directory: string, mode: number): boolean {
  try {
    fs.mkdir(directory, mode);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return true;
    if (errorCode(error) !== "ENOENT" || path.dirname(directory) === directory) throw error;
    return false;
  }
}

/** Whoever can write to the directory can have any task run with any payload. */
function refuseIfNotPrivate(root: string, status: FileStatus): void {
  if ((status.mode & 0o022) !== 0) {
    const mode = (status.mode & 0o777).toString(8).padStart(4, "0");
    throw unavailable(`others can write to ${root} (mode ${mode}); make it private with chmod 700`);
  }
  const self = process.geteuid?.();
  if (self !== undefined && status.uid !== self) {
    throw unavailable(`${root} belongs to user ${status.uid}, and this process runs as user ${self}; chown it`);
  }
}

/** On a disk that machines share, the socket of an owner on another machine looks dead, and its directory would be taken over. */
function refuseIfRemote(fs: FileSystem, root: string, logger: Logger): void {
  let kind: number;
  try {
    kind = fs.kind(root);
  } catch (error) {
    logger.debug?.({ err: error, directory: root }, "journal: cannot tell the kind of the file system");
    return;
  }
  const name = remote.get(kind >>> 0);
  if (name !== undefined) throw unavailable(`${root} lies on ${name}; the journal needs a disk of this machine`);
}

function attempt<Result>(action: string, subject: string, call: () => Result): Result {
  try {
    return call();
  } catch (error) {
    throw journalError(action, subject, error);
  }
}

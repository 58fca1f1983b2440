// Whether a directory is fit to hold a journal: ours alone to write to, on a disk of this machine.
import type { Logger } from "../task/logger.js";
import { journalError, unavailable } from "./failure.js";
import type { FileStatus, FileSystem } from "./file-system.js";

/** Letters of the dead, and segments that are set aside, lie beside the directories of the owners. */
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
 * Makes the directory if need be, and its subdirectories.
 *
 * @throws OffloadError AR_JOURNAL_UNAVAILABLE that names the directory and says why it cannot be used
 */
export function prepareDirectory(fs: FileSystem, root: string, logger: Logger): void {
  if (process.platform === "win32")
    throw unavailable("Windows has no unix sockets in directories, which the journal needs");
  attempt("create", root, () => fs.mkdir(root, { mode: 0o700, recursive: true }));
  const status = attempt("look at", root, () => fs.stat(root));
  if (!status.isDirectory()) throw unavailable(`${root} is no directory`);
  refuseIfForeign(root, status);
  refuseIfRemote(fs, root, logger);
  for (const name of [deadLettersName, damagedName]) {
    const directory = `${root}/${name}`;
    attempt("create", directory, () => fs.mkdir(directory, { mode: 0o700, recursive: true }));
  }
}

/** Whoever can write to the directory can have any task run with any payload. */
function refuseIfForeign(root: string, status: FileStatus): void {
  if ((status.mode & 0o022) !== 0) {
    const mode = (status.mode & 0o777).toString(8).padStart(4, "0");
    throw unavailable(`others can write to ${root} (mode ${mode}); make it private with chmod 700`);
  }
  const self = process.geteuid?.();
  if (self !== undefined && status.uid !== self) {
    throw unavailable(`${root} belongs to user ${status.uid}, and this process runs as user ${self}; chown it`);
  }
}

/** On a disk that machines share, the socket of an owner on another machine looks dead, and its directory would be taken. */
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

function attempt<Result>(action: string, path: string, call: () => Result): Result {
  try {
    return call();
  } catch (error) {
    throw journalError(action, path, error);
  }
}

// Reads a journal that other processes may be writing to, and changes nothing in it.
import path from "node:path";
import { errorCode, type FileSystem } from "../files/file-system.js";
import { isOwned, ownerPrefix } from "../takeover/ask-owner.js";
import { directoriesWithin, recover } from "../takeover/recover.js";
import type { PendingTask, ReadSegment } from "../takeover/recovered-log.js";

/** The directory of one process, as it was when it was read. */
export interface InspectedOwner {
  readonly directory: string;
  readonly alive: boolean;
  readonly segments: readonly ReadSegment[];
  readonly pending: readonly PendingTask[];
}

// A living owner deletes segments while they are read, the oldest first. A reading that misses one may miss the ends of
// tasks, so it begins again.
const attempts = 20;

/** All owners, dead and alive. One that disappears while it is read is left out: it is finished, or was taken over. */
export async function inspectOwners(fs: FileSystem, root: string): Promise<InspectedOwner[]> {
  const owners: InspectedOwner[] = [];
  for (const name of fs.readdir(root).filter((name) => name.startsWith(ownerPrefix))) {
    const owner = await inspectOwner(fs, path.join(root, name));
    if (owner !== undefined) owners.push(owner);
  }
  return owners;
}

async function inspectOwner(fs: FileSystem, directory: string): Promise<InspectedOwner | undefined> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    try {
      const alive = await isOwned(fs, directory);
      const { segments, pending } = await recover(fs, directoriesWithin(fs, directory));
      return { directory, alive, segments, pending: [...pending].flatMap((part) => [...part]) };
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
      if (!exists(fs, directory)) return undefined;
    }
  }
  throw new Error(`${directory} changes faster than it can be read; try again`);
}

function exists(fs: FileSystem, directory: string): boolean {
  try {
    return fs.stat(directory).isDirectory();
  } catch {
    return false;
  }
}

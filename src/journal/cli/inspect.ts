// Reads a journal that others may be writing to, without becoming an owner in it: nothing is changed.
import path from "node:path";
import { errorCode, type FileSystem } from "../files/file-system.js";
import type { Verdict } from "../format/read-records.js";
import type { Segment } from "../log/segment.js";
import { isOwned, ownerPrefix } from "../takeover/owner.js";
import { directoriesWithin, type PendingTask, recover } from "../takeover/recover.js";

/** The directory of one owner, as it was when it was read. */
export interface InspectedOwner {
  readonly directory: string;
  readonly alive: boolean;
  readonly segments: readonly Segment[];
  readonly pending: readonly PendingTask[];
  readonly verdicts: readonly { readonly segment: Segment; readonly verdict: Verdict }[];
}

// A living owner deletes segments while they are read. It does so from the head on, so a reading that misses one could hold
// tasks unfinished whose ends it missed: such a reading is begun anew.
const attempts = 20;

/** All owners, dead and alive. One that goes while it is read is left out: it is finished or adopted. */
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
      const { segments, pending, verdicts } = await recover(fs, directoriesWithin(fs, directory));
      return { directory, alive, segments, pending, verdicts };
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

// The end of a directory of one process.
import path from "node:path";
import { socketName } from "./directory.js";
import type { FileSystem } from "./file-system.js";

/** Deletes a directory that holds nothing but its socket and files that were not finished. */
export function removeDirectory(fs: FileSystem, directory: string): void {
  try {
    for (const name of fs.readdir(directory)) {
      if (name === socketName || name.endsWith(".part")) fs.unlink(path.join(directory, name));
    }
    fs.rmdir(directory);
  } catch {
    // It holds something else, or it is gone.
  }
}

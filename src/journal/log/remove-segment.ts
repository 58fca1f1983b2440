// The end of a segment: it is deleted, or kept among the damaged ones, because somebody may want to look at it.
import path from "node:path";
import { damagedName } from "../files/directory.js";
import type { FileSystem } from "../files/file-system.js";
import { removeDirectory } from "../files/remove-directory.js";
import type { Segment } from "./segment.js";

/** Where a damaged segment is moved. */
export function damagedPath(root: string, segment: Segment): string {
  const process = path.basename(segment.directory).replace(/^[^-]*-/, "");
  return path.join(root, damagedName, `${process}-${segment.name}`);
}

/**
 * @param ownDirectory the directory of this process, which stays when it is empty
 * @throws Node's error; the segment is still there then
 */
export function removeSegment(fs: FileSystem, root: string, ownDirectory: () => string, segment: Segment): void {
  if (segment.damaged) fs.rename(segment.path, damagedPath(root, segment));
  else fs.unlink(segment.path);
  if (segment.directory !== ownDirectory()) removeDirectory(fs, segment.directory);
}

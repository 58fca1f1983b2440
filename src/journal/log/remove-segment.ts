// The end of a segment: deleted, or where reading found damage set aside, for somebody may want to look at it.
import path from "node:path";
import { damagedName } from "../files/directory.js";
import type { FileSystem } from "../files/file-system.js";
import { removeDirectory } from "../takeover/owner.js";
import type { Segment } from "./segment.js";

/** Where a damaged segment goes. */
export function asidePath(root: string, segment: Segment): string {
  const owner = path.basename(segment.directory).replace(/^[^-]*-/, "");
  return path.join(root, damagedName, `${owner}-${segment.name}`);
}

/**
 * @param own the directory of this process, which stays when it is empty
 * @throws Node's error; the segment is still there then
 */
export function removeSegment(fs: FileSystem, root: string, own: () => string, segment: Segment): void {
  if (segment.damaged) fs.rename(segment.path, asidePath(root, segment));
  else fs.unlink(segment.path);
  if (segment.directory !== own()) removeDirectory(fs, segment.directory);
}

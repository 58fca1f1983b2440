// The tasks of every server in this folder.
import type { TaskContext } from "offload-after-response";

export function makeThumbnail({ photo }: { photo: string }, task: TaskContext): void {
  task.throwIfAborted();
  console.log(`made the thumbnail of ${photo}`); // sharp(photo).resize(320) goes here
}

// Learns what worker processes have done: no event tells it here. A photo that is done has its result in the shared folder, and one
// that failed is a dead letter of the queue.
import type { ImageOffloader } from "./offloader.js";
import { type Photos, readResult } from "./photos.js";

/** How often unfinished photos are looked for, in ms. */
const every = 500;

/** @param looked called after each look */
export function followElsewhere(offloader: ImageOffloader, photos: Photos, looked: () => void): void {
  let isLooking = false;
  const look = async () => {
    if (isLooking || photos.unfinished().length === 0) return;
    isLooking = true;
    try {
      await findDone(photos);
      await findFailed(offloader, photos);
    } catch {
      // The queue cannot be asked. It is asked again at the next look.
    } finally {
      isLooking = false;
    }
    looked();
  };
  // A watch would see it at once, but file systems that machines share do not tell of changes.
  setInterval(() => void look(), every).unref();
}

async function findDone(photos: Photos): Promise<void> {
  for (const { id } of photos.unfinished()) {
    const image = await readResult(photos.folder(id));
    if (image !== undefined) photos.update(id, { state: "done", image });
  }
}

async function findFailed(offloader: ImageOffloader, photos: Photos): Promise<void> {
  if (photos.unfinished().length === 0) return;
  for (const { id: task, error } of await offloader.deadLetters.list({ place: "engine" })) {
    const photo = photos.ofTask(task);
    if (photo === undefined) continue;
    const reason = error?.message ?? "It could not be optimised.";
    console.error(`Photo ${photo.id} failed: ${reason}`);
    photos.fail(photo.id, reason);
    // The photo's record says why. Its files are gone, so there is nothing to try again.
    await offloader.deadLetters.elsewhere.discard(task);
  }
}

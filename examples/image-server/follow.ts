// Carries to the photos what the offloader tells of their tasks: those of this process, and those that an earlier one left.
import type { EventName, OffloaderEvents } from "offload-after-response";
import type { ImageOffloader } from "./offloader.js";
import type { Photo, Photos } from "./photos.js";
import type { OptimizedImage } from "./workers/images.js";

export function follow(offloader: ImageOffloader, photos: Photos): void {
  /** Listens to an event of tasks whose photo is known: there is none of an upload that was refused or cut off. */
  function on<Name extends EventName>(
    name: Name,
    listener: (photo: Photo, event: OffloaderEvents[Name]) => void,
  ): void {
    offloader.on(name, (event) => {
      const photo = "id" in event ? photos.ofTask(event.id) : undefined;
      if (photo) listener(photo, event);
    });
  }

  // A task is queued when its response is over.
  on("queued", ({ id, uploadedAt }) => {
    const from = Date.parse(uploadedAt);
    // Not where the journal has brought it back: it was an earlier process that answered.
    if (from >= performance.timeOrigin) photos.update(id, { answeredMs: Date.now() - from });
  });
  on("started", ({ id }) => photos.update(id, { state: "working" }));
  // The last one is the whole.
  on("progress", ({ id }, { value }) => photos.update(id, { image: value as OptimizedImage }));
  on("succeeded", ({ id }) => photos.update(id, { state: "done" }));
  on("failed", ({ id, task }, { error }) => {
    const reason = error instanceof Error ? error.message : String(error);
    console.error(`Photo ${id} failed: ${reason}`);
    photos.fail(id, reason);
    // The photo's record says why. Its files are gone, so there is nothing to try again.
    offloader.deadLetters.discard(task);
  });
  // The sender got no answer, and will send the photo again.
  on("skipped", ({ id }) => photos.forget(id));
  // "abandoned" at the deadline of a shutdown: the journal keeps the task, and the next process does it.
}

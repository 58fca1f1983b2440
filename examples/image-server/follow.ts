// Carries to the photos what the offloader tells of their tasks.
import { OffloadError, type TaskHandle } from "after-response";
import type { ImageOffloader } from "./offloader.js";
import type { Photos } from "./photos.js";
import type { OptimizedImage } from "./workers/images.js";

/** To be called with a photo's id and its task. */
export type Follow = (photoId: string, task: TaskHandle<OptimizedImage>) => void;

export function createFollow(offloader: ImageOffloader, photos: Photos): Follow {
  const followed = new Map<string, { photoId: string; since: number }>();

  // A task is queued when its response is over.
  offloader.on("queued", ({ id }) => {
    const entry = followed.get(id);
    if (entry) photos.update(entry.photoId, { answeredMs: performance.now() - entry.since });
  });
  offloader.on("started", ({ id }) => {
    const entry = followed.get(id);
    if (entry) photos.update(entry.photoId, { state: "working" });
  });
  offloader.on("progress", ({ id, value }) => {
    const entry = followed.get(id);
    if (entry) photos.update(entry.photoId, { image: value as OptimizedImage });
  });

  return (photoId, task) => {
    followed.set(task.id, { photoId, since: performance.now() });
    task
      .result()
      .then(
        (image) => photos.update(photoId, { state: "done", image }),
        (error: unknown) => endWithout(photos, photoId, error),
      )
      .finally(() => followed.delete(task.id));
  };
}

function endWithout(photos: Photos, photoId: string, error: unknown): void {
  const code = error instanceof OffloadError ? error.code : undefined;
  if (code === "AR_SKIPPED") {
    // The sender got no answer, and will send the photo again.
    photos.forget(photoId);
  } else if (code !== "AR_ABANDONED") {
    const reason = error instanceof Error ? error.message : String(error);
    console.error(`Photo ${photoId} failed: ${reason}`);
    photos.fail(photoId, reason);
  }
  // Abandoned: the shutdown's deadline came first. The next process finds the photo unfinished, and does it.
}

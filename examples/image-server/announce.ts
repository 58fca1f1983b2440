// Tells every open page what the threads and the queue do, at most ten times a second.
import type { Live } from "./live.js";
import type { ImageOffloader } from "./offloader.js";
import type { Photos } from "./photos.js";

const events = [
  "accepted",
  "queued",
  "started",
  "succeeded",
  "failed",
  "skipped",
  "threadStarted",
  "threadEnded",
] as const;

/** What the pages are told of the threads and the queue. Photos are counted here, because the offloader counts from its start on. */
export function poolState(offloader: ImageOffloader, photos: Photos) {
  const { queued, threads, engine } = offloader.stats();
  if (engine === undefined) return { queued, threads, ...photos.counts() };
  // The threads that work on photos are in other processes.
  return { queued: queued + engine.waiting, threads: { ...threads, total: 0 }, ...photos.counts() };
}

/**
 * @param shutdownTimeout how long a shutdown may take, in ms, for the countdown
 * @returns tells the pages again, for what the offloader has no event of
 */
export function announcePool(
  offloader: ImageOffloader,
  photos: Photos,
  live: Live,
  shutdownTimeout: number,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  const announce = () => {
    if (timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      live.send("pool", poolState(offloader, photos));
    }, 100);
  };
  for (const event of events) offloader.on(event, announce);

  offloader.on("draining", () => {
    live.send("stopping", { leftMs: shutdownTimeout });
    // The pages watch the last photos being done; then they must go, because the shutdown waits for every open request.
    offloader.idle().then(() => {
      live.send("pool", poolState(offloader, photos));
      live.end();
    });
  });
  return announce;
}

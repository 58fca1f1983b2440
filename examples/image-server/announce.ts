// Tells every open page what the threads and the queue do, at most ten times a second.
import type { Live } from "./live.js";
import type { ImageOffloader } from "./offloader.js";

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

export function announcePool(offloader: ImageOffloader, live: Live): void {
  let timer: NodeJS.Timeout | undefined;
  const announce = () => {
    if (timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      live.send("pool", offloader.stats());
    }, 100);
  };
  for (const event of events) offloader.on(event, announce);

  offloader.on("draining", () => {
    live.send("stopping", {});
    // The pages watch the last photos being done; then they must go, because the shutdown waits for every open request.
    offloader.idle().then(() => {
      live.send("pool", offloader.stats());
      live.end();
    });
  });
}

// A worker process: it takes photos from the queue, and has no HTTP server. Any number of them may run, on any machine that has the
// folder of the photos at the same path. The web process is main.ts.
import { createImageOffloader } from "./offloader.js";
import { readSettings } from "./settings.js";

async function work(): Promise<void> {
  const settings = readSettings();
  if (settings.redisUrl === undefined) {
    throw new RangeError(
      "A worker needs REDIS_URL, the same as that of the web process, such as redis://127.0.0.1:6379.",
    );
  }
  const offloader = createImageOffloader(settings, "work");
  offloader.on("succeeded", ({ id, runMs }) => console.log(`Task ${id} is done after ${Math.round(runMs ?? 0)} ms`));
  offloader.on("failed", ({ id, error }) => console.error(`Task ${id} failed: ${error}`));
  // Takes no more photos at the signal, and finishes those that it has. At the deadline, another worker gets what is left.
  offloader.shutdownOnSignals([], { timeout: settings.shutdownTimeout });
  await offloader.ready();
  console.log(
    `Worker for the queue on ${new URL(settings.redisUrl).host}. Ctrl-C finishes the photos in work, and exits.`,
  );
}

work().catch((error: unknown) => {
  console.error(error instanceof RangeError ? error.message : error);
  process.exit(1);
});

// The offloader of this server: which tasks there are, how many may be unfinished at a time, where they are on record, and where they run.
import { createOffloader } from "offload-after-response";
import { bullmq } from "offload-after-response/bullmq";
import type { Settings } from "./settings.js";
import type * as tasks from "./workers/images.js";

export type ImageOffloader = ReturnType<typeof createImageOffloader>;

/** @param role of this process, where there is a Redis: the web process gives photos to its queue, a worker process takes them from it */
export function createImageOffloader({ queueMax, journalDir, redisUrl }: Settings, role: "dispatch" | "work") {
  return createOffloader<typeof tasks>({
    tasks: new URL("./workers/images.js", import.meta.url),
    queue: { max: queueMax },
    // What a killed process leaves unfinished is in there for the next one. What a killed worker leaves is in the queue.
    journal: role === "work" ? undefined : { dir: journalDir },
    // Without a Redis, the threads of this process do the work.
    ...(redisUrl !== undefined && { engine: bullmq({ connection: redisUrl, queue: "photos" }), role }),
    policies: {
      // "ok": only after an answer below 400 that reached the network. A refused upload leaves nothing to optimise, and
      // a sender who was gone before the answer does not know the photo's id.
      optimizeImage: { runIf: "ok", timeout: 60_000 },
    },
  });
}

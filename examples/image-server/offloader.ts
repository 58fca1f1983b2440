// The offloader of this server: which tasks there are, and how many may be unfinished at a time.
import { createOffloader } from "after-response";
import type * as tasks from "./workers/images.js";

export type ImageOffloader = ReturnType<typeof createImageOffloader>;

/** @param queueMax photos that may be unfinished at a time */
export function createImageOffloader(queueMax: number) {
  return createOffloader<typeof tasks>({
    tasks: new URL("./workers/images.js", import.meta.url),
    queue: { max: queueMax },
    policies: {
      // "ok": only after an answer below 400 that reached the network. A refused upload leaves nothing to optimise, and
      // a sender who was gone before the answer does not know the photo's id.
      optimizeImage: { runIf: "ok", timeout: 60_000 },
    },
  });
}

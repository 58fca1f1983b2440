// The offloader of this server: which tasks there are, how many may be unfinished at a time, and where they are on record.
import { createOffloader } from "offload-after-response";
import type * as tasks from "./workers/images.js";

export type ImageOffloader = ReturnType<typeof createImageOffloader>;

/**
 * @param queueMax photos that may be unfinished at a time
 * @param journalDir what a killed process leaves unfinished is in there for the next one
 */
export function createImageOffloader(queueMax: number, journalDir: string) {
  return createOffloader<typeof tasks>({
    tasks: new URL("./workers/images.js", import.meta.url),
    queue: { max: queueMax },
    journal: { dir: journalDir },
    policies: {
      // "ok": only after an answer below 400 that reached the network. A refused upload leaves nothing to optimise, and
      // a sender who was gone before the answer does not know the photo's id.
      optimizeImage: { runIf: "ok", timeout: 60_000 },
    },
  });
}

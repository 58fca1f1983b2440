// after-response: `offload()` for each task, in the three ways in which one may hear of its end, or not.
import { createOffloader, type Offloader } from "after-response";
import type * as tasks from "../../threads/tasks.js";
import type { Done, TaskPool } from "./contender.js";

async function open(threads: number): Promise<Offloader<typeof tasks>> {
  const offloader = createOffloader<typeof tasks>({
    tasks: new URL("../../threads/tasks.js", import.meta.url),
    pool: { minThreads: threads, maxThreads: threads },
    // The longest queue that is measured has 1,000,000 tasks; admission is checked all the same.
    queue: { max: Number.POSITIVE_INFINITY },
  });
  await offloader.ready();
  return offloader;
}

/** The result of each task is awaited, as with the other pools. */
export async function openAfterResponse(threads: number): Promise<TaskPool> {
  const offloader = await open(threads);
  return {
    tiny: (payload, done) => void offloader.offload("tiny", payload).result().then(done),
    copy: (bytes, done) => void offloader.offload("touch", bytes).result().then(done),
    move: (bytes, done) =>
      void offloader
        .offload("touch", bytes, { transfer: [bytes.buffer] })
        .result()
        .then(done),
    close: () => offloader.close(),
  };
}

/** A listener hears of each task's end. */
export async function openAfterResponseEvents(threads: number): Promise<TaskPool> {
  const offloader = await open(threads);
  let call: Done = () => {};
  offloader.on("succeeded", () => call());
  return {
    tiny: (payload, done) => {
      call = done;
      offloader.offload("tiny", payload);
    },
    copy: (bytes, done) => {
      call = done;
      offloader.offload("touch", bytes);
    },
    move: (bytes, done) => {
      call = done;
      offloader.offload("touch", bytes, { transfer: [bytes.buffer] });
    },
    close: () => offloader.close(),
  };
}

/** Fire and forget: nobody hears of the single task. */
export async function openAfterResponseForget(threads: number): Promise<TaskPool> {
  const offloader = await open(threads);
  return {
    tiny: (payload) => void offloader.offload("tiny", payload),
    copy: (bytes) => void offloader.offload("touch", bytes),
    move: (bytes) => void offloader.offload("touch", bytes, { transfer: [bytes.buffer] }),
    idle: () => offloader.idle(),
    close: () => offloader.close(),
  };
}

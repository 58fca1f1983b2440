// `task.offload()` in a thread: sends what a task dispatches to the main thread, and settles its promise with the answer.
import type { MessagePort } from "node:worker_threads";
import { copyFollowUpOptions, type FollowUpOptions } from "../src/core/follow-up.js";
import { captureForMoving } from "../src/core/payload/capture.js";
import { toError } from "../src/core/payload/thrown.js";
import { toWireForm } from "../src/core/payload/wire-form.js";
import type { FollowUpAnswer, FollowUpMessage } from "../src/engine/threads/protocol.js";
import { post } from "./primordials.js";

/** A promise that waits for its answer. */
interface Waiting {
  accepted(task: { readonly id: string }): void;
  refused(error: Error): void;
}

export class FollowUps {
  #calls = 0;
  // No Map, because a task may replace what its methods do.
  readonly #waiting: Record<number, Waiting> = Object.create(null);
  readonly #port: MessagePort;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** @returns rejects where the payload or the options cannot be copied, and where the main thread refuses */
  async send(
    asking: { readonly seq: number; readonly id: string },
    name: string,
    payload: unknown,
    options: FollowUpOptions | undefined,
  ): Promise<{ readonly id: string }> {
    const call = this.#calls++;
    const captured = toWireForm(captureForMoving(payload, "payload"));
    const message: FollowUpMessage = {
      kind: "offload",
      seq: asking.seq,
      parent: asking.id,
      call,
      name,
      payload: captured,
      options: copyFollowUpOptions(options),
    };
    post(this.#port, message);
    const answer = new Promise<{ readonly id: string }>((accepted, refused) => {
      this.#waiting[call] = { accepted, refused };
    });
    return await answer;
  }

  answered(answer: FollowUpAnswer): void {
    const waiting = this.#waiting[answer.call];
    delete this.#waiting[answer.call];
    if ("error" in answer) waiting?.refused(toError(answer.error));
    else waiting?.accepted({ id: answer.id });
  }
}

// `task.offload()` in a thread: sends what a task dispatches to the main thread, and settles its promise with the answer.
import type { MessagePort } from "node:worker_threads";
import { copyFollowUpOptions, type FollowUpOptions } from "../src/core/follow-up.js";
import { captureForMoving } from "../src/core/payload/capture.js";
import { toError } from "../src/core/payload/thrown.js";
import { toWireForm } from "../src/core/payload/wire-form.js";
import { isDispatchTraced, traceLaterDispatch } from "../src/core/trace/trace-dispatch.js";
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

  readonly #offloader: string;

  constructor(port: MessagePort, offloader: string) {
    this.#port = port;
    this.#offloader = offloader;
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
    const message = {
      kind: "offload",
      seq: asking.seq,
      parent: asking.id,
      call,
      name,
      payload: captured,
      options: copyFollowUpOptions(options),
    } as const;
    if (!isDispatchTraced()) return await this.#ask(message);
    const dispatch = { offloader: this.#offloader, task: name, kind: "task", parent: asking.id } as const;
    return await traceLaterDispatch(dispatch, (carrier) => this.#ask({ ...message, carrier }));
  }

  #ask(message: FollowUpMessage): Promise<{ readonly id: string }> {
    post(this.#port, message);
    return new Promise((accepted, refused) => {
      this.#waiting[message.call] = { accepted, refused };
    });
  }

  answered(answer: FollowUpAnswer): void {
    const waiting = this.#waiting[answer.call];
    delete this.#waiting[answer.call];
    if ("error" in answer) waiting?.refused(toError(answer.error));
    else waiting?.accepted({ id: answer.id });
  }
}

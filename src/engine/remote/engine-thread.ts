// The thread of an engine, seen from the main thread. It is started again when it ends, whatever its client did.
import { AsyncLocalStorage } from "node:async_hooks";
import { Worker } from "node:worker_threads";
import { type Deferred, deferred } from "../../base/deferred.js";
import { OffloadError } from "../../base/errors.js";
import { clearTimer, inTime, setTimer, type Timer } from "../../base/time.js";
import { toError } from "../../core/payload/thrown.js";
import { endsInTime } from "../terminated.js";
import { libraryFile } from "../threads/module/runner-file.js";
import type { Answers, EngineThreadData, FromEngine, Question, ToEngine } from "./protocol.js";
import type { EngineChoice } from "./remote-engine.js";

export interface EngineThreadEvents {
  /** A message, except answers. */
  message(message: FromEngine): void;
  /** The thread has ended, and everything it knew is gone. Another one is started. */
  gone(error: Error): void;
  /** A thread is there, and knows nothing. */
  started(): void;
}

/** How long an answer is waited for, in ms. */
const patience = 5_000;
/** The pause before another start, in ms; each doubles up to the longest. */
const firstPause = 500;
const longestPause = 30_000;
/** The share of its end that the thread has for the broker. In the rest it says that it is done. */
const shareOfBroker = 0.8;

// What a request keeps in an AsyncLocalStorage must not live as long as the thread.
const outsideOfRequests = AsyncLocalStorage.snapshot();

export class EngineThread {
  readonly #choice: EngineChoice;
  readonly #events: EngineThreadEvents;
  readonly #questions = new Map<number, Deferred<unknown>>();
  /** Why the process has to stay alive. */
  readonly #needs = new Set<string>();
  readonly #closed = deferred();
  /** The thread has told the broker everything. */
  readonly #done = deferred();
  #worker: Worker | undefined;
  #restart: Timer | undefined;
  #pause = firstPause;
  #asked = 0;
  #isClosing = false;

  constructor(choice: EngineChoice, events: EngineThreadEvents) {
    this.#choice = choice;
    this.#events = events;
  }

  start(): void {
    outsideOfRequests(() => this.#start());
  }

  /** Whether there is a thread. What is posted without one is lost. */
  get isThere(): boolean {
    return this.#worker !== undefined;
  }

  post(message: ToEngine, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker?.postMessage(message, transfer);
  }

  /** @returns rejects with AR_ENGINE_UNAVAILABLE where the broker does not answer, or answers with an error */
  async ask<What extends Question["what"]>(question: Question & { readonly what: What }): Promise<Answers[What]> {
    const number = ++this.#asked;
    const answer = deferred<unknown>();
    answer.promise.catch(() => {});
    this.#questions.set(number, answer);
    this.need("answer", true);
    const { name } = this.#choice;
    try {
      this.post({ kind: "ask", number, question });
      const isAnswered = this.#worker !== undefined && !this.#isClosing && (await inTime(answer.promise, patience));
      if (!isAnswered) throw new Error(`it did not answer within ${patience} ms`);
      return (await answer.promise) as Answers[What];
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new OffloadError("AR_ENGINE_UNAVAILABLE", `the engine ${name} cannot be asked: ${why}`, { cause });
    } finally {
      this.#questions.delete(number);
      if (this.#questions.size === 0) this.need("answer", false);
    }
  }

  /** Keeps the process alive for a reason, or for that reason no more. */
  need(reason: string, isNeeded: boolean): void {
    if (isNeeded === this.#needs.has(reason)) return;
    if (isNeeded) this.#needs.add(reason);
    else this.#needs.delete(reason);
    this.#hold();
  }

  /**
   * Ends the thread, which is terminated after `deadlineMs` if it is not done by then with what it still has to tell the broker. Never
   * rejects.
   */
  async close(deadlineMs: number): Promise<void> {
    if (this.#isClosing) return this.#closed.promise;
    this.#isClosing = true;
    clearTimer(this.#restart);
    const worker = this.#worker;
    if (worker !== undefined) {
      const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
      worker.ref();
      worker.postMessage({ kind: "close", deadlineMs: deadlineMs * shareOfBroker } satisfies ToEngine);
      await inTime(Promise.race([this.#done.promise, exited]), deadlineMs);
      void worker.terminate();
      // A thread that is in native code keeps no process alive.
      worker.unref();
      this.#refuse(new Error("it is closed"));
      await endsInTime(exited);
    }
    this.#closed.resolve();
  }

  /** 1 if there is a thread that was to end. */
  get unended(): number {
    return this.#isClosing && this.isThere ? 1 : 0;
  }

  #start(): void {
    const { module, options } = this.#choice;
    const workerData: EngineThreadData = { module, options };
    const worker = new Worker(libraryFile("offload-after-response-engine.cjs"), { workerData });
    let failure = new Error("the thread has ended");
    worker.on("message", (message: FromEngine) => this.#receive(message));
    worker.on("error", (error: Error) => {
      failure = error;
    });
    worker.once("exit", () => this.#exited(failure));
    this.#worker = worker;
    this.#hold();
    this.#events.started();
  }

  #receive(message: FromEngine): void {
    if (message.kind === "closed") this.#done.resolve();
    if (message.kind === "state" && message.up) this.#pause = firstPause;
    if (message.kind !== "answer") {
      this.#events.message(message);
      return;
    }
    const question = this.#questions.get(message.number);
    if ("error" in message) question?.reject(toError(message.error));
    else question?.resolve(message.value);
  }

  #exited(error: Error): void {
    this.#worker = undefined;
    this.#refuse(error);
    if (this.#isClosing) return;
    this.#restart = setTimer(() => {
      if (!this.#isClosing) this.start();
    }, this.#pause);
    this.#restart.unref();
    this.#pause = Math.min(this.#pause * 2, longestPause);
    this.#hold();
    this.#events.gone(error);
  }

  /** Nothing will be answered. */
  #refuse(error: Error): void {
    for (const question of this.#questions.values()) question.reject(error);
  }

  #hold(): void {
    const held = this.#worker ?? this.#restart;
    if (this.#needs.size > 0) held?.ref();
    else held?.unref();
  }
}

// Piscina, as far as we use it: to start threads, to post to one of them, to be told of its death. Which thread runs what,
// the queue, the limits and the drain are ours. Facts about Piscina 5.3.2 that shape this file:
// - `close()` resolves with tasks still running, so it is never called: threads exit by themselves, then `destroy()`.
// - its load balancer is called with each task and may choose the thread, which makes `run()` a post to that thread.
// - `atomics: "sync"` (the default) stops the timers and sockets of an idle thread, so it is off.
// - the pool's file must load, or the second `run()` never settles: so it is our runner, which loads the user's module.
import type { Worker } from "node:worker_threads";
import { Piscina } from "piscina";
import type { ResolvedPoolOptions } from "../options/offloader-options.js";
import { toError } from "./errors.js";
import { hearOut } from "./last-replies.js";
import {
  type BatchMessage,
  type BatchReply,
  createControl,
  type FromThread,
  type HelloMessage,
  type HelloReply,
  type ToThread,
} from "./protocol.js";
import { runnerFile } from "./runner-file.js";
import type { TasksModule } from "./tasks-module.js";
import { Thread } from "./thread.js";

export interface ThreadListener {
  onMessage(message: FromThread): void;
  /** The thread exited, for whatever reason; its batches have been or are being rejected. */
  onExit(thread: Thread, exitCode: number): void;
}

/** Which thread a greeting is for. Its number is known once `run()` has returned. */
interface Addressee {
  threadId: number | undefined;
}

/** The module could not be loaded in a thread that is otherwise sound. */
export class LoadError extends Error {
  constructor(readonly reason: Error) {
    super(reason.message, { cause: reason });
  }
}

export class Threads {
  readonly #pool: Piscina;
  /** The thread that the current call of `run()` is meant for. */
  #target: Thread | undefined;
  /** Threads that Piscina has heard of being up, and who waits to know. */
  readonly #up = new Set<number>();
  readonly #waitingToBeUp = new Map<number, () => void>();
  /** What threads say before it is known that they are up: a rejection at the top level of the tasks module, say. */
  readonly #early = new Map<number, FromThread[]>();

  constructor(
    private readonly options: ResolvedPoolOptions,
    private readonly module: TasksModule,
    private readonly idPrefix: string,
    private readonly listener: ThreadListener,
  ) {
    this.#pool = new Piscina({
      filename: runnerFile(),
      name: "receive",
      // The number of threads is ours to decide: Piscina starts one for each greeting and ends none. The margin is for
      // threads that failed to start and are still being terminated.
      minThreads: 0,
      maxThreads: mostThreads(options) + 2,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 2 ** 30,
      atomics: "disabled",
      stricterFIFO: true,
      recordTiming: false,
      loadBalancer: (task, workers) => this.#choose(task, workers),
      ...(options.resourceLimits && { resourceLimits: options.resourceLimits }),
      ...(options.env && { env: { ...options.env } }),
      ...(module.execArgv && { execArgv: [...module.execArgv] }),
      ...(options.workerData !== undefined && { workerData: options.workerData }),
    } as ConstructorParameters<typeof Piscina>[0]);
    this.#pool.on("message", (message: unknown) => {
      if (!isFromThread(message)) return;
      const early = this.#early.get(message.threadId);
      if (early === undefined) listener.onMessage(message);
      else early.push(message);
    });
    this.#pool.on("workerCreate", ({ id }: { id: number }) => {
      this.#up.add(id);
      this.#waitingToBeUp.get(id)?.();
    });
    // A worker that dies without a task of ours; its exit is seen by the listener on the worker itself.
    this.#pool.on("error", () => {});
  }

  /**
   * Starts a thread and has it load the tasks module.
   *
   * @returns the thread, the names of the tasks, and what it has said already: all of it is to be heard, for it is counted
   * @throws LoadError when the module cannot be loaded; another error when the thread cannot be started
   */
  async start(): Promise<{ thread: Thread; names: readonly string[]; said: readonly FromThread[] }> {
    if (this.module.problem !== undefined) throw new LoadError(this.module.problem);
    const slots = this.options.concurrentTasksPerThread + 1;
    const control = createControl(slots);
    const abandon = new AbortController();
    const { worker, answer } = this.#greet(control, abandon);
    try {
      const reply = await firstOf(answer, worker, this.options.startTimeout);
      if ("error" in reply) throw new LoadError(toError(reply.error));
      const thread = new Thread(reply.threadId, worker, control, slots);
      worker.once("exit", (exitCode) => this.listener.onExit(thread, exitCode));
      const said = this.#early.get(thread.id) ?? [];
      this.#early.delete(thread.id);
      return { thread, names: reply.names, said };
    } catch (error) {
      // Takes the greeting out of Piscina's queue, or ends the thread that has it.
      abandon.abort();
      void worker.terminate();
      throw error;
    }
  }

  /** Posts the greeting, for which Piscina starts a thread since the balancer finds none. */
  #greet(control: SharedArrayBuffer, abandon: AbortController): { worker: Worker; answer: Promise<HelloReply> } {
    const addressee: Addressee = { threadId: undefined };
    const message: HelloMessage = {
      kind: "hello",
      tasks: this.module.url,
      idPrefix: this.idPrefix,
      control,
      concurrency: this.options.concurrentTasksPerThread,
      niceness: this.options.priority,
      weigh: this.options.maxThreadMemory !== Number.POSITIVE_INFINITY,
    };
    const before = new Set(this.#pool.threads);
    const { signal } = abandon;
    const greeted = this.#pool.run({ ...message, [Piscina.queueOptionsSymbol]: addressee }, { signal });
    const worker = this.#pool.threads.find((candidate) => !before.has(candidate));
    const answer = this.#answered(greeted as Promise<HelloReply>);
    answer.catch(() => {});
    if (worker === undefined) {
      // Left in Piscina's queue it would be given a thread later, of which nobody knows.
      abandon.abort();
      throw new Error("Piscina started no thread");
    }
    const { threadId } = worker;
    addressee.threadId = threadId;
    this.#early.set(threadId, []);
    worker.once("exit", () => {
      this.#up.delete(threadId);
      this.#early.delete(threadId);
    });
    return { worker, answer };
  }

  /** The answer to a greeting, once the thread can be used. */
  async #answered(greeted: Promise<HelloReply>): Promise<HelloReply> {
    const reply = await greeted;
    // It comes on another port than the one by which Piscina hears that the thread is up, and may come first. Until then
    // Piscina offers run() every thread but this one.
    if (!this.#up.has(reply.threadId))
      await new Promise<void>((resolve) => this.#waitingToBeUp.set(reply.threadId, resolve));
    this.#waitingToBeUp.delete(reply.threadId);
    return reply;
  }

  /** Whether the thread can be posted to. Piscina drops one that dies before it rejects what was posted to it. */
  lives(thread: Thread): boolean {
    return this.#pool.threads.includes(thread.worker);
  }

  /** Hands a batch to a thread; rejects when the thread dies, or when the batch cannot be posted. */
  batch(thread: Thread, message: BatchMessage, transfer: readonly unknown[]): Promise<BatchReply | undefined> {
    return this.#post(thread, message, transfer) as Promise<BatchReply | undefined>;
  }

  /** Asks a thread what a batch has to reply so far; rejects when the thread dies. */
  collect(thread: Thread, slot: number): Promise<BatchReply | undefined> {
    return this.#post(thread, { kind: "collect", slot }) as Promise<BatchReply | undefined>;
  }

  /** Tells a thread something that has no answer. */
  tell(thread: Thread, message: ToThread): void {
    // Rejected when the thread dies, of which its exit tells.
    this.#post(thread, message).catch(() => {});
  }

  /** Ends what is left, and with it the pool. */
  async destroy(): Promise<void> {
    await this.#pool.destroy();
  }

  #post(thread: Thread, message: ToThread, transfer: readonly unknown[] = []): Promise<unknown> {
    // A task for a thread that is gone would wait in Piscina's queue, and start another.
    if (!this.lives(thread)) {
      return Promise.reject(new Error("the thread has ended"));
    }
    // run() asks the balancer before it returns.
    this.#target = thread;
    try {
      return this.#pool.run(message, { transferList: transfer as ArrayBuffer[] });
    } finally {
      this.#target = undefined;
    }
  }

  /** Piscina's balancer: the thread that the task is meant for, while there is one. */
  #choose(task: object, workers: readonly { readonly id: number }[]): never {
    const addressee: Addressee | null = Reflect.get(task, Piscina.queueOptionsSymbol);
    const wanted = this.#target?.id ?? addressee?.threadId;
    const chosen = workers.find(({ id }) => id === wanted);
    const worker = addressee && this.#pool.threads.find(({ threadId }) => threadId === chosen?.id);
    if (chosen !== undefined && worker) hearOut(worker, chosen);
    return (chosen ?? null) as never;
  }
}

/** Threads at the most, with those that still run their teardown while their successors start. */
export function mostThreads(options: ResolvedPoolOptions): number {
  return options.maxThreads * 2;
}

function isFromThread(message: unknown): message is FromThread {
  return typeof message === "object" && message !== null && Reflect.get(message, "afterResponse") === "thread";
}

/** The answer of a starting thread, unless it dies first or takes longer than `ms`. */
async function firstOf(answer: Promise<HelloReply>, worker: Worker, ms: number): Promise<HelloReply> {
  let stop: () => void = () => {};
  const otherwise = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`the tasks module was not loaded within pool.startTimeout (${ms} ms)`));
    }, ms);
    const exited = (code: number) =>
      reject(new Error(`the thread exited with code ${code} while it loaded the tasks module`));
    worker.once("error", reject);
    worker.once("exit", exited);
    stop = () => {
      clearTimeout(timer);
      worker.off("error", reject);
      worker.off("exit", exited);
    };
  });
  try {
    return await Promise.race([answer, otherwise]);
  } finally {
    stop();
  }
}

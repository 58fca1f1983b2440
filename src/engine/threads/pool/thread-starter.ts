// What Piscina is used for: to start threads, to greet each of them, to end what is left. The greeting hands over a port, and
// everything else goes through that port. Piscina's `run()` costs the main thread three times what a post does, and replies,
// log lines and deaths would arrive separately, in any order. Facts about Piscina 5.3.2 that shape this file:
// - `close()` resolves with tasks still running, so it is never called: threads exit by themselves, then `destroy()`.
// - its load balancer is called with each task and may choose the thread, so a greeting reaches the thread it is meant for.
// - `atomics: "sync"` (the default) stops the timers and sockets of an idle thread, so it is off.
// - if the pool's file does not load, the second `run()` never settles. So the file is our runner, which loads the user's module.
import { AsyncLocalStorage } from "node:async_hooks";
import { MessageChannel, type MessagePort, type Worker } from "node:worker_threads";
import { Piscina } from "piscina";
import { afterFairTime, turn } from "../../../base/time.js";
import { toError } from "../../../core/payload/thrown.js";
import { endsInTime } from "../../terminated.js";
import { runnerFile } from "../module/runner-file.js";
import type { TasksModule } from "../module/tasks-module.js";
import type { ResolvedPoolOptions } from "../options.js";
import type { HelloMessage, HelloReply } from "../protocol.js";
import { createControl } from "../slots/slot-memory.js";
import { explainBundledPiscina } from "./bundled-piscina.js";
import type { Environment } from "./environment.js";
import { type Addressee, GreetingQueue } from "./greeting-queue.js";
import { Thread } from "./thread.js";
import { markThreads } from "./thread-mark.js";

// Threads are started outside of the request that needs one more. Otherwise what the request keeps in an AsyncLocalStorage
// would live as long as the thread.
const outsideOfRequests = AsyncLocalStorage.snapshot();

/** The thread started, and the tasks module could not be loaded in it. */
export class LoadError extends Error {
  constructor(readonly reason: Error) {
    super(reason.message, { cause: reason });
  }
}

export class ThreadStarter {
  readonly #pool: Piscina;
  readonly #greetings = new GreetingQueue();
  readonly #alive = new Set<Worker>();

  constructor(
    private readonly options: ResolvedPoolOptions,
    private readonly module: TasksModule,
    private readonly offloader: string,
    private readonly idPrefix: string,
    private readonly environment: Environment,
    private readonly onExit: (thread: Thread) => void,
  ) {
    this.#pool = new Piscina({
      filename: runnerFile(),
      name: "receive",
      // The thread pool decides how many threads there are: Piscina starts one for each greeting and ends none. Two more are
      // for threads that failed to start and are still being terminated.
      minThreads: 0,
      maxThreads: mostThreads(options) + options.maxStuckThreads + 2,
      taskQueue: this.#greetings,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 2 ** 30,
      atomics: "disabled",
      stricterFIFO: true,
      recordTiming: false,
      loadBalancer: (task, workers) => this.#choose(task, workers),
      ...(options.resourceLimits && { resourceLimits: options.resourceLimits }),
      env: { ...environment.variables },
      ...(module.execArgv && { execArgv: [...module.execArgv] }),
      ...(options.workerData !== undefined && { workerData: options.workerData }),
    } as ConstructorParameters<typeof Piscina>[0]);
    // The error of a worker that dies after its greeting. The listeners on the worker itself handle it.
    this.#pool.on("error", () => {});
  }

  /**
   * Starts a thread and has it load the tasks module.
   *
   * @returns the thread, to be listened to, the names of the tasks, and whether somebody in it traces them
   * @throws LoadError when the module cannot be loaded; another error when the thread cannot be started
   */
  async start(): Promise<{ thread: Thread; names: readonly string[]; traced: boolean }> {
    if (this.module.problem !== undefined) throw new LoadError(this.module.problem);
    this.environment.warnOfChanges();
    const slots = this.options.concurrentTasksPerThread + 1;
    const control = createControl(slots);
    const addressee: Addressee = { threadId: undefined };
    const { worker, port, answer } = outsideOfRequests(() => markThreads(() => this.#greet(control, addressee)));
    try {
      const reply = await firstOf(answer, worker, this.options.startTimeout);
      if ("error" in reply) throw new LoadError(toError(reply.error));
      const thread = new Thread(reply.threadId, worker, port, control, slots);
      // A thread that runs out of memory emits an error first, and exits later.
      worker.once("error", (error) => thread.failed(error));
      worker.once("exit", (exitCode) => {
        thread.exitCode = exitCode;
        this.onExit(thread);
      });
      return { thread, names: reply.names, traced: reply.traced };
    } catch (error) {
      this.#greetings.drop(addressee);
      port.close();
      const explained = error instanceof LoadError ? undefined : explainBundledPiscina(error);
      void worker.terminate();
      // Native code that the module calls may hold the thread up. A thread that is being terminated keeps no process alive.
      worker.unref();
      // No thread will ever start.
      throw explained === undefined ? error : new LoadError(explained);
    }
  }

  /** Posts the greeting. Piscina starts a thread for it, because the balancer finds none. */
  #greet(
    control: SharedArrayBuffer,
    addressee: Addressee,
  ): { worker: Worker; port: MessagePort; answer: Promise<HelloReply> } {
    const { port1: port, port2: theirPort } = new MessageChannel();
    const message: HelloMessage = {
      port: theirPort,
      tasks: this.module.url,
      preload: this.module.preload,
      offloader: this.offloader,
      idPrefix: this.idPrefix,
      control,
      concurrency: this.options.concurrentTasksPerThread,
      niceness: this.options.priority,
      reportsMemory: this.options.maxThreadMemory !== Number.POSITIVE_INFINITY,
    };
    const before = new Set(this.#pool.threads);
    const greeting = { ...message, [Piscina.queueOptionsSymbol]: addressee };
    try {
      // Throws at once what `new Worker()` throws: the system may refuse one more thread.
      const answer = this.#pool.run(greeting, { transferList: [theirPort] }) as Promise<HelloReply>;
      answer.catch(() => {});
      const worker = this.#pool.threads.find((candidate) => !before.has(candidate));
      if (worker === undefined) throw new Error("Piscina started no thread");
      this.#alive.add(worker);
      worker.once("exit", () => void this.#alive.delete(worker));
      addressee.threadId = worker.threadId;
      return { worker, port, answer };
    } catch (error) {
      this.#greetings.drop(addressee);
      port.close();
      throw error;
    }
  }

  /** Ends what is left, and with it the pool. Does not wait for threads that native code holds up. */
  async destroy(): Promise<void> {
    const workers = [...this.#pool.threads];
    const destroyed = this.#pool.destroy();
    // A thread in native code ends when that code returns, and must not keep the process alive until then. But Node's
    // terminate() makes it do so, and Piscina does the same when the thread's port has closed, in the turn after the next.
    await Promise.race([destroyed, turn().then(turn)]);
    for (const worker of workers) worker.unref();
    await endsInTime(destroyed);
  }

  /** Threads that have not exited. */
  get alive(): number {
    return this.#alive.size;
  }

  /** Piscina's balancer: the thread that the greeting is for, once it is up. */
  #choose(task: object, workers: readonly { readonly id: number }[]): never {
    const { threadId } = Reflect.get(task, Piscina.queueOptionsSymbol) as Addressee;
    return (workers.find(({ id }) => id === threadId) ?? null) as never;
  }
}

/** The most threads at a time: also those that still run their teardown while their successors start. */
export function mostThreads(options: ResolvedPoolOptions): number {
  return options.maxThreads * 2;
}

/** The answer of a starting thread, unless it dies first or takes longer than `ms`. */
async function firstOf(answer: Promise<HelloReply>, worker: Worker, ms: number): Promise<HelloReply> {
  let stop: () => void = () => {};
  const otherwise = new Promise<never>((_, reject) => {
    const disarm = afterFairTime(ms, () => {
      reject(new Error(`the tasks module was not loaded within pool.startTimeout (${ms} ms)`));
    });
    const exited = (code: number) =>
      reject(new Error(`the thread exited with code ${code} while it loaded the tasks module`));
    // Before Piscina's own listeners, whose errors say less.
    worker.prependOnceListener("error", reject);
    worker.prependOnceListener("exit", exited);
    stop = () => {
      disarm();
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

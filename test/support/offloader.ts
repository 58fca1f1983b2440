// An offloader on real threads for one test: everything it tells is recorded, and it is closed when the test is over.
import {
  createOffloader,
  type EventName,
  type Logger,
  OffloadError,
  type Offloader,
  type OffloaderOptions,
} from "offload-after-response";
import { type Testing, testing } from "offload-after-response/testing";
import { onTestFinished } from "vitest";
import { insideOf } from "../../src/intake/inside.js";
import { eventNames } from "./event-names.js";

/** An event as it was told; the fields of a task's event are there if it is one. */
export interface RecordedEvent {
  readonly event: EventName;
  readonly id?: string;
  readonly task?: string;
  readonly attempt?: number;
  readonly state?: string;
  readonly context?: unknown;
  readonly runMs?: number;
  readonly waitMs?: number;
  readonly delayMs?: number;
  readonly error?: unknown;
  readonly value?: unknown;
  readonly waiting?: number;
  readonly threadId?: number;
  readonly reason?: string;
  readonly cause?: string;
  readonly kind?: string;
  readonly priority?: string;
  readonly key?: string;
  readonly ageMs?: number;
  readonly parent?: string;
  readonly code?: string;
}

/** A line as the logger got it. */
export interface Line {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const finalEvents = new Set<EventName>(["succeeded", "failed", "cancelled", "skipped", "abandoned", "forwarded"]);

/** The options of a test: those of `createOffloader`, the tasks module by its name in test/fixtures. */
export type WatchedOptions = Omit<OffloaderOptions, "tasks" | "logger">;

/**
 * Starts an offloader whose tasks are in `test/fixtures/<module>`.
 *
 * @param module a file name, or a URL
 */
export function watch(module: string | URL = "tasks.mjs", options: WatchedOptions = {}): Watched {
  const watched = new Watched(module, options);
  onTestFinished(async () => {
    await watched.offloader.close({ timeout: 0 });
  });
  return watched;
}

/** The same where nothing is recorded, for hundreds of thousands of tasks. */
export function unwatched(module: string, options: WatchedOptions = {}): Offloader {
  const tasks = new URL(`../fixtures/${module}`, import.meta.url);
  const offloader = createOffloader({ ...options, tasks, logger: false });
  onTestFinished(async () => {
    await offloader.close({ timeout: 0 });
  });
  return offloader;
}

/** The same under test: what is dispatched is kept until `tasks.drain()` runs it on the main thread. */
export function watchKept(options: WatchedOptions = {}): { watched: Watched; tasks: Testing } {
  const watched = watch("tasks.mjs", options);
  const tasks = testing(watched.offloader);
  onTestFinished(() => tasks.restore());
  return { watched, tasks };
}

export class Watched {
  readonly offloader: Offloader;
  /** All events since the start, in their order. */
  readonly recorded: RecordedEvent[] = [];
  readonly lines: Line[] = [];
  /** Called with each line, as a logger of the user's is. */
  onLine: (line: Line) => void = () => {};
  readonly #watchers = new Set<() => void>();
  readonly #off = new Map<EventName, () => void>();
  #loggerIsBroken = false;

  constructor(module: string | URL, options: WatchedOptions) {
    const tasks = typeof module === "string" ? new URL(`../fixtures/${module}`, import.meta.url) : module;
    this.offloader = createOffloader({ ...options, tasks, logger: this.#logger() });
    for (const event of eventNames) {
      const off = this.offloader.on(event, (fields) => {
        this.recorded.push({ event, ...fields } as RecordedEvent);
        this.#look();
      });
      this.#off.set(event, off);
    }
  }

  /** The first event of this name that matches, past or to come. */
  event(name: EventName, matches: (recorded: RecordedEvent) => boolean = () => true): Promise<RecordedEvent> {
    return this.#first(() => this.recorded.find((recorded) => recorded.event === name && matches(recorded)));
  }

  /** The first `count` events of this name that match. */
  events(
    name: EventName,
    count: number,
    matches: (recorded: RecordedEvent) => boolean = () => true,
  ): Promise<readonly RecordedEvent[]> {
    return this.#first(() => {
      const found = this.recorded.filter((recorded) => recorded.event === name && matches(recorded));
      return found.length >= count ? found.slice(0, count) : undefined;
    });
  }

  /** The first line of the log that matches. */
  line(pattern: RegExp): Promise<Line> {
    return this.#first(() => this.lines.find(({ message }) => pattern.test(message)));
  }

  /** Listens to these events no more. */
  deaf(event: EventName): void {
    this.#off.get(event)?.();
  }

  /** Has the logger throw from now on. */
  breakLogger(): void {
    this.#loggerIsBroken = true;
  }

  /** The names of the events of one task, in their order. */
  story(id: string): EventName[] {
    return this.recorded.filter((recorded) => recorded.id === id).map(({ event }) => event);
  }

  /** The final events of one task: a test may claim that it is exactly one. */
  ends(id: string): EventName[] {
    return this.story(id).filter((event) => finalEvents.has(event));
  }

  /**
   * Has a task count as a tiny one, whatever its runs take on a busy machine, so that what is dispatched of it together travels
   * together. Its thread has run it once and is idle.
   *
   * @param payload one with which it ends at once
   */
  async expectTiny(task: string, payload?: unknown): Promise<void> {
    const handle = this.offloader.offload(task, payload);
    const definition = insideOf(this.offloader)
      ?.ledger.list()
      .find(({ id }) => id === handle.id)?.definition;
    if (definition === undefined) throw new Error(`${task} is not in the ledger`);
    // 20 of them come to a tenth of a batch: below that, no second thread is woken.
    Object.defineProperty(definition, "expectedMs", { get: () => 0.01, set() {} });
    await handle.result();
    await this.offloader.idle();
  }

  #first<Found>(find: () => Found | undefined): Promise<Found> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = find();
        if (found === undefined) return;
        this.#watchers.delete(look);
        resolve(found);
      };
      this.#watchers.add(look);
      look();
    });
  }

  #look(): void {
    for (const look of [...this.#watchers]) look();
  }

  #logger(): Logger {
    const write = (level: Line["level"]) => (fields: object, message: string) => {
      if (this.#loggerIsBroken) throw new Error("the logger is broken");
      if (isStep(level, message)) return;
      const line = { level, message, fields: { ...fields } };
      this.lines.push(line);
      this.#look();
      this.onLine(line);
    };
    return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
  }
}

/** Whether a line only says how far an offloader or a task is, which the tests of the log read. */
function isStep(level: string, message: string): boolean {
  if (level === "info") return /^(ready for tasks|draining|drained)$/.test(message);
  return level === "debug" && /^(task|callback) (accepted|started|succeeded|cancelled|skipped)$/.test(message);
}

/** Resolves once what was dispatched has been handed to threads that are free. */
export function handedOver(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** How a promise was rejected; fails when it was not. */
export async function rejection(
  promise: Promise<unknown> | undefined,
): Promise<Error & Readonly<Record<string, unknown>>> {
  const [end] = await Promise.allSettled([promise]);
  if (end.status === "fulfilled") throw new Error(`expected a rejection, got ${JSON.stringify(end.value)}`);
  const error: unknown = end.reason;
  if (!(error instanceof Error)) throw new Error(`rejected with ${String(error)}, which is no Error`);
  return error as Error & Readonly<Record<string, unknown>>;
}

/** The error that a call throws, which is one of the library; fails when it throws nothing. */
export function thrownBy(call: () => unknown): OffloadError {
  try {
    call();
  } catch (error) {
    if (error instanceof OffloadError) return error;
    throw error;
  }
  throw new Error("expected the call to throw");
}

// An offloader on real threads for one test: everything it tells is recorded, and it is closed when the test is over.
import {
  createOffloader,
  type EventName,
  type Logger,
  OffloadError,
  type Offloader,
  type OffloaderOptions,
} from "offload-after-response";
import { onTestFinished } from "vitest";

/** An event as it was told; the fields of a task's event are there if it is one. */
export interface Told {
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
  readonly level: keyof Logger;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const eventNames: readonly EventName[] = [
  "accepted",
  "queued",
  "started",
  "progress",
  "longRunning",
  "retrying",
  "succeeded",
  "failed",
  "cancelled",
  "skipped",
  "abandoned",
  "forwarded",
  "refused",
  "threadStarted",
  "threadEnded",
  "draining",
  "drained",
];
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

export class Watched {
  readonly offloader: Offloader;
  /** All events since the start, in their order. */
  readonly told: Told[] = [];
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
        this.told.push({ event, ...fields } as Told);
        this.#look();
      });
      this.#off.set(event, off);
    }
  }

  /** The first event of this name that matches, past or to come. */
  event(name: EventName, matches: (told: Told) => boolean = () => true): Promise<Told> {
    return this.#first(() => this.told.find((told) => told.event === name && matches(told)));
  }

  /** The first `count` events of this name that match. */
  events(name: EventName, count: number, matches: (told: Told) => boolean = () => true): Promise<readonly Told[]> {
    return this.#first(() => {
      const found = this.told.filter((told) => told.event === name && matches(told));
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
    return this.told.filter((told) => told.id === id).map(({ event }) => event);
  }

  /** The final events of one task: a test may claim that it is exactly one. */
  ends(id: string): EventName[] {
    return this.story(id).filter((event) => finalEvents.has(event));
  }

  /**
   * Lets a task run until it is known to be a tiny one, so that what is dispatched of it together travels together.
   *
   * @param payload one with which it ends at once
   */
  async measure(task: string, payload?: unknown): Promise<void> {
    // The first run compiles the function, and a busy machine makes others slow: what follows brings the time down.
    for (let round = 0; round < 100; round++) {
      for (let run = 0; run < 20; run++) await this.offloader.run(task, payload);
      if (await this.#travelTogether(task, payload)) return;
    }
    throw new Error(`${task} is too slow to be sent in batches`);
  }

  /**
   * Tries until an arrangement of tiny tasks has come about. Who travels with whom depends on how long the task took
   * lately, and on a busy machine any run may have taken long.
   *
   * @param arrange returns undefined where it has not come about
   */
  async arrange<Arranged>(task: string, arrange: () => Promise<Arranged | undefined>): Promise<Arranged> {
    for (let attempt = 0; attempt < 50; attempt++) {
      await this.measure(task);
      const arranged = await arrange();
      if (arranged !== undefined) return arranged;
    }
    throw new Error(`${task} never travelled as the test needs it`);
  }

  /** Whether all of ten have been handed to a thread before the first has come back. */
  async #travelTogether(task: string, payload: unknown): Promise<boolean> {
    const from = this.told.length;
    await Promise.all(Array.from({ length: 10 }, () => this.offloader.run(task, payload)));
    const names = this.told.slice(from).map(({ event }) => event);
    return names.lastIndexOf("started") < names.indexOf("succeeded");
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
      const line = { level, message, fields: { ...fields } };
      this.lines.push(line);
      this.#look();
      this.onLine(line);
    };
    return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
  }
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

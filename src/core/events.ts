// The table of an offloader's events (docs/events.md explains it), and an emitter whose listeners cannot break anything.
import { AsyncLocalStorage } from "node:async_hooks";
import { microtask } from "../base/time.js";
import type { TaskState } from "./states.js";

// Nothing of the request in which an event came about is seen by what hears of it later.
const outsideOfRequests = AsyncLocalStorage.snapshot();

/** What every event of a task or callback carries, as far as it is known. */
export interface TaskEvent {
  readonly id: string;
  /** The task's name; for a callback its function's name. */
  readonly task: string;
  /** Starts so far. */
  readonly attempt: number;
  readonly state: TaskState;
  /** What the `context` option returned at the call. */
  readonly context: unknown;
  /** From being queued to being handed to a thread, in ms, for the last attempt. */
  readonly waitMs?: number | undefined;
  /** The run time of the last attempt, measured in the thread, in ms. */
  readonly runMs?: number | undefined;
  /** Why it failed, was cancelled, is retried. */
  readonly error?: unknown;
}

/** The events of an offloader by name. */
export interface OffloaderEvents {
  /** Admitted; it will reach exactly one final event. */
  accepted: TaskEvent;
  /** Released (its response is over), due again after a delay, or taken back from a thread. */
  queued: TaskEvent;
  /** Handed to a thread; a callback: begun. */
  started: TaskEvent;
  /** The task called `task.progress(value)`. */
  progress: TaskEvent & { readonly value: unknown };
  /** An attempt failed and another follows after `delayMs`. */
  retrying: TaskEvent & { readonly delayMs: number };
  succeeded: TaskEvent;
  failed: TaskEvent;
  cancelled: TaskEvent;
  skipped: TaskEvent;
  abandoned: TaskEvent;
  /** Handed over to a distributed queue: it runs in another process. */
  forwarded: TaskEvent;
  /** A thread has loaded the tasks module. */
  threadStarted: { readonly threadId: number };
  /** A thread is gone. `reason`: idle, recycled, renewed, shutdown, or what ended it. */
  threadEnded: { readonly threadId: number; readonly reason: string };
  /** A drain has begun. */
  draining: { readonly unfinished: number };
  /** Everything accepted has reached a final state, and admission is closed. */
  drained: { readonly unfinished: number };
}

export type EventName = keyof OffloaderEvents;
export type Listener<Name extends EventName> = (event: OffloaderEvents[Name]) => void;

/** What waits until the move it belongs to is complete: an event, or a job that comes in order with the events. */
type Pending = { readonly name: EventName; readonly event: OffloaderEvents[EventName] } | (() => void);

/**
 * The emitter. Run to completion, then tell: events are queued at a transition and delivered, in order, when the outermost
 * move that made them is complete. So a listener may cancel, dispatch or close, and no other code has to guard against it.
 */
export class Events {
  readonly #listeners = new Map<EventName, readonly Listener<never>[]>();
  #pending: Pending[] = [];
  /** Moves under way, one inside the other. */
  #moves = 0;
  #delivering = false;
  #scheduled = false;

  constructor(private readonly report: (error: unknown, event: EventName) => void) {}

  /** Adds a listener; returns what removes it. */
  on<Name extends EventName>(name: Name, listener: Listener<Name>): () => void {
    // A function of its own for each registration: a listener that is registered twice is removed once by each removal.
    const registered: Listener<Name> = (event) => listener(event);
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), registered]);
    return () => {
      const left = (this.#listeners.get(name) ?? []).filter((other) => other !== registered);
      if (left.length > 0) this.#listeners.set(name, left);
      else this.#listeners.delete(name);
    };
  }

  /** Whether an event would reach anyone: asked before an event is made. */
  has(name: EventName): boolean {
    return this.#listeners.has(name);
  }

  /** A move begins: nothing is delivered until it has ended. Every `beginMove` needs an `endMove` in a `finally`. */
  beginMove(): void {
    this.#moves++;
  }

  /** The move is complete. */
  endMove(): void {
    this.#moves--;
    if (this.#pending.length > 0) this.#deliver();
  }

  /** Queues an event. */
  emit<Name extends EventName>(name: Name, event: OffloaderEvents[Name]): void {
    if (!this.#listeners.has(name)) return;
    this.#queue({ name, event });
  }

  /** Runs a job, which must not throw, when the move is complete, in order with the events. */
  later(job: () => void): void {
    this.#queue(job);
  }

  #queue(pending: Pending): void {
    this.#pending.push(pending);
    if (this.#moves > 0 || this.#delivering || this.#scheduled) return;
    // Outside of a move, as a thread that comes or goes.
    this.#scheduled = true;
    outsideOfRequests(() => microtask(this.#deliverScheduled));
  }

  readonly #deliverScheduled = (): void => {
    this.#scheduled = false;
    this.#deliver();
  };

  #deliver(): void {
    // A move that a listener makes adds to the list, and the loop below comes to it.
    if (this.#moves > 0 || this.#delivering) return;
    this.#delivering = true;
    while (this.#pending.length > 0) {
      const pending = this.#pending;
      this.#pending = [];
      for (const next of pending) {
        if (typeof next === "function") next();
        else this.#tell(next.name, next.event);
      }
    }
    this.#delivering = false;
  }

  #tell(name: EventName, event: OffloaderEvents[EventName]): void {
    for (const listener of (this.#listeners.get(name) ?? []) as readonly ((event: unknown) => unknown)[]) {
      try {
        const returned = listener(event);
        // An async listener that rejects would be an unhandledRejection.
        if (returned instanceof Promise) returned.catch((error) => this.report(error, name));
      } catch (error) {
        this.report(error, name);
      }
    }
  }
}

// What an offloader tells: the table of its events (docs/events.md explains it), and an emitter whose listeners cannot break anything.
import type { TaskState } from "./states.js";

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

export class Events {
  readonly #listeners = new Map<EventName, readonly Listener<never>[]>();

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

  emit<Name extends EventName>(name: Name, event: OffloaderEvents[Name]): void {
    for (const listener of (this.#listeners.get(name) ?? []) as readonly Listener<Name>[]) {
      try {
        const returned: unknown = listener(event);
        // An async listener that rejects would be an unhandledRejection.
        if (returned instanceof Promise) returned.catch((error) => this.report(error, name));
      } catch (error) {
        this.report(error, name);
      }
    }
  }
}

// The events of an offloader (docs/events.md explains them), and an emitter whose listeners cannot break anything.
import { AsyncLocalStorage } from "node:async_hooks";
import type { Channel } from "node:diagnostics_channel";
import type { OffloadErrorCode } from "../base/errors.js";
import { microtask } from "../base/time.js";
import type { Priority, TaskKind } from "./definition.js";
import type { TaskState } from "./states.js";
import type { Carrier } from "./trace/carrier.js";
import { attemptEndChannel, eventChannel } from "./trace/channels.js";

// A microtask may deliver events of several requests. No listener sees the async context of one of them.
const outsideOfRequests = AsyncLocalStorage.snapshot();

/** The fields of every event of a task or callback. A field that is not known yet is undefined. */
export interface TaskEvent {
  /** The id that the dispatch returned. */
  readonly id: string;
  /** The task's name; for a callback the name of its function. */
  readonly task: string;
  /** A task runs on a thread, a callback on the main thread. */
  readonly kind: TaskKind;
  /** The id of the task that dispatched it by `task.offload()`. */
  readonly parent?: string | undefined;
  /** The option `key` of its dispatch. */
  readonly key?: string | undefined;
  /** Its priority in the queue. */
  readonly priority: Priority;
  /** How often it has been started; 1 on its first attempt. */
  readonly attempt: number;
  /** The state that the event reports. `handle.state` may be a later one. */
  readonly state: TaskState;
  /** What the `context` option returned at the call. */
  readonly context: unknown;
  /** How long ago it was accepted, in ms, by an earlier process perhaps. */
  readonly ageMs: number;
  /** The thread that its last attempt was handed to; 0 for the main thread. */
  readonly threadId?: number | undefined;
  /** Another process accepted it, or it was a dead letter. */
  readonly replayed: boolean;
  /** What subscribers of the channel `after-response.dispatch` have put into it. */
  readonly carrier?: Carrier | undefined;
  /** From queued to started, of the last attempt, in ms. */
  readonly waitMs?: number | undefined;
  /** How long the last attempt ran, in ms, measured in the thread; for a running task: until now. */
  readonly runMs?: number | undefined;
  /** How long ago its last attempt was handed to its thread, in ms. */
  readonly attemptMs?: number | undefined;
  /** Why it failed, was cancelled or abandoned, or is tried again. */
  readonly error?: unknown;
}

/** The events of an offloader by name. */
export interface OffloaderEvents {
  /** Accepted. Exactly one final event will follow. */
  accepted: TaskEvent;
  /** It waits for its turn: its response is over, or its next attempt is due, or its thread never began it. */
  queued: TaskEvent;
  /** Handed to a thread; for a callback: called. */
  started: TaskEvent;
  /** The task called `task.progress(value)`. */
  progress: TaskEvent & { readonly value: unknown };
  /** It has run for `log.longRunning` ms without a timeout, and again at twice the time. `waiting`: how many are queued. */
  longRunning: TaskEvent & { readonly waiting: number };
  /** An attempt failed, and another one follows after `delayMs` ms. */
  retrying: TaskEvent & { readonly delayMs: number };
  /** Final: its code returned. */
  succeeded: TaskEvent;
  /** Final: its last attempt failed. */
  failed: TaskEvent;
  /** Final: it was cancelled. */
  cancelled: TaskEvent;
  /** Final: `runIf` said no. */
  skipped: TaskEvent;
  /** Final: the shutdown deadline came first. With a journal the next process runs it. */
  abandoned: TaskEvent;
  /** Final: a distributed queue has it, and it runs in another process. */
  forwarded: TaskEvent;
  /** A dispatch was refused at the call: nothing was accepted. `error` is what the call throws. */
  refused: { readonly task: string; readonly kind: TaskKind; readonly code: OffloadErrorCode; readonly error: unknown };
  /** A thread has loaded the tasks module. `traced`: somebody in it subscribes to the channel `after-response.run`. */
  threadStarted: { readonly threadId: number; readonly traced: boolean };
  /** A thread has ended. `reason` says it in words, with the exit code where it ended by itself. */
  threadEnded: { readonly threadId: number; readonly cause: ThreadEndCause; readonly reason: string };
  /** The first drain has begun. */
  draining: { readonly unfinished: number };
  /** The offloader is closed: everything accepted has reached a final state, and the threads have ended. */
  drained: { readonly unfinished: number };
}

/**
 * Why a thread has ended. `idle`: above `pool.minThreads` it had nothing to do. `recycled`: `maxTasksPerThread` or
 * `maxThreadMemory`. `renewed`: its code has changed, or `renewThreads()`. `shutdown`: the offloader was closed. `killed`: a task did not stop, or the
 * thread stood still. `crashed`: it exited by itself. `out_of_memory`: its heap was full. `unreadable`: a task has tampered with
 * it, so that its messages cannot be trusted.
 */
export type ThreadEndCause =
  | "idle"
  | "recycled"
  | "renewed"
  | "shutdown"
  | "killed"
  | "crashed"
  | "out_of_memory"
  | "unreadable";

export const threadEndCauses: readonly ThreadEndCause[] = [
  "idle",
  "recycled",
  "renewed",
  "shutdown",
  "killed",
  "crashed",
  "out_of_memory",
  "unreadable",
];

/** Of all events. */
export const eventNames: readonly EventName[] = [
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

/** The name of an event. */
export type EventName = keyof OffloaderEvents;
/** A function that is called with each event of a name. What it returns is ignored; a rejected promise is logged. */
export type Listener<Name extends EventName> = (event: OffloaderEvents[Name]) => void;

const nobody: readonly Listener<never>[] = [];

/** Who hears of the events of a name. */
class Audience {
  listeners: readonly Listener<never>[] = nobody;

  constructor(readonly channel: Channel) {}

  /** Whether anybody listens. Asked before an event is made, because most events have no listener. */
  get isThere(): boolean {
    return this.listeners !== nobody || this.channel.hasSubscribers;
  }
}

/** What waits for the end of a move: an event, or a job that keeps its place among the events. */
type Pending = { readonly name: EventName; readonly event: OffloaderEvents[EventName] } | (() => void);

/**
 * The emitter. A move is a number of transitions that belong together. Events are queued at a transition and delivered in
 * order when the outermost move is complete. So a listener may cancel, dispatch or close, and no other code has to expect it.
 */
export class Events {
  readonly #audiences: Readonly<Record<EventName, Audience>> = audiences();
  /** By field, where the name is known: to look one of so many up by its name is dear in code that is not optimised yet. */
  readonly audiences: Readonly<Record<EventName, Pick<Audience, "isThere">>> = this.#audiences;
  #pending: Pending[] = [];
  /** How many moves are under way, one within the other. */
  #moves = 0;
  #delivering = false;
  #scheduled = false;

  /** @param offloader its name, for the messages of the channels */
  constructor(
    private readonly report: (error: unknown, event: EventName) => void,
    private readonly offloader = "offloader",
  ) {}

  /** Adds a listener; returns what removes it. */
  on<Name extends EventName>(name: Name, listener: Listener<Name>): () => void {
    // A new function for each registration, because a listener that is registered twice is removed one at a time.
    const registered: Listener<Name> = (event) => listener(event);
    const audience = this.#audiences[name];
    audience.listeners = [...audience.listeners, registered];
    return () => {
      const left = audience.listeners.filter((other) => other !== registered);
      audience.listeners = left.length > 0 ? left : nobody;
    };
  }

  /** Whether anybody listens to the events of this name. */
  has(name: EventName): boolean {
    return this.#audiences[name].isThere;
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
    if (!this.has(name)) return;
    this.#queue({ name, event });
  }

  /** Whether tracers want to know how the attempts of a task ended. Asked before an event is made. */
  hasTracers(carrier: Carrier | undefined): boolean {
    return carrier !== undefined && attemptEndChannel.hasSubscribers;
  }

  /** Tells tracers how an attempt ended. */
  attemptEnded(event: TaskEvent): void {
    this.later(() => attemptEndChannel.publish({ offloader: this.offloader, event }));
  }

  /** Runs a job, which must not throw, when the move is complete, in its place among the events. */
  later(job: () => void): void {
    this.#queue(job);
  }

  #queue(pending: Pending): void {
    this.#pending.push(pending);
    if (this.#moves > 0 || this.#delivering || this.#scheduled) return;
    // Outside of a move: a thread has come or gone.
    this.#scheduled = true;
    outsideOfRequests(() => microtask(this.#deliverScheduled));
  }

  readonly #deliverScheduled = (): void => {
    this.#scheduled = false;
    this.#deliver();
  };

  #deliver(): void {
    // A listener's own moves add to the list, and the loop below comes to them.
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
    const { listeners, channel } = this.#audiences[name];
    if (channel.hasSubscribers) channel.publish({ offloader: this.offloader, event });
    for (const listener of listeners as readonly ((event: unknown) => unknown)[]) {
      try {
        const returned = listener(event);
        // Without this, an async listener that rejects would cause an unhandledRejection.
        if (returned instanceof Promise) returned.catch((error) => this.report(error, name));
      } catch (error) {
        this.report(error, name);
      }
    }
  }
}

function audiences(): Record<EventName, Audience> {
  const each = eventNames.map((name) => [name, new Audience(eventChannel(name))]);
  return Object.fromEntries(each) as Record<EventName, Audience>;
}

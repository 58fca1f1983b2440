// What can begin a shutdown: a signal, a supervisor's message, the loss of a cluster's primary, an uncaught exception.
import cluster from "node:cluster";

/** What the triggers call. */
export interface TriggerHandlers {
  signal(signal: NodeJS.Signals): void;
  /** The parent process has asked for it. */
  message(): void;
  /** A cluster's primary has let this worker go, or has died. */
  disconnect(): void;
  exception(error: unknown): void;
}

/** What a participant can choose to begin the shutdown. */
export type ProcessTrigger = NodeJS.Signals | "uncaughtException";

/** The listeners of a shutdown on `process`. */
export class Triggers {
  private readonly undo: (() => void)[] = [];
  private readonly listeners = new Map<ProcessTrigger, (error: unknown) => void>();

  constructor(private readonly handlers: TriggerHandlers) {
    // Without an IPC channel nobody can send a message.
    if (process.send === undefined) return;
    this.onChannel("message", (message) => {
      // PM2 sends this with `shutdown_with_message`. Any parent can, also on Windows, where no signal can be sent.
      if (message === "shutdown") handlers.message();
    });
    if (cluster.isWorker) this.onChannel("disconnect", () => this.disconnected());
  }

  /** Listens for these triggers, and no longer for any other. */
  listenFor(wanted: ReadonlySet<ProcessTrigger>): void {
    for (const [trigger, listener] of this.listeners) {
      if (wanted.has(trigger)) continue;
      process.off(trigger, listener);
      this.listeners.delete(trigger);
    }
    for (const trigger of wanted) {
      if (this.listeners.has(trigger)) continue;
      const listener = this.listenerOf(trigger);
      this.listeners.set(trigger, listener);
      process.on(trigger, listener);
    }
  }

  /** The listeners that are installed for triggers. */
  get installed(): ReadonlySet<unknown> {
    return new Set(this.listeners.values());
  }

  uninstall(): void {
    this.listenFor(new Set());
    for (const undo of this.undo.splice(0)) undo();
  }

  private listenerOf(trigger: ProcessTrigger): (error: unknown) => void {
    // An unhandled rejection arrives here too, unless the program listens for those.
    if (trigger === "uncaughtException") return (error) => this.handlers.exception(error);
    return () => this.handlers.signal(trigger);
  }

  private disconnected(): void {
    // When the primary has died, node:cluster exits the worker right after this event, unless this flag is set.
    if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true;
    this.handlers.disconnect();
  }

  /** Listens on the IPC channel. Node keeps a process alive for such a listener, but not for this one. */
  private onChannel(event: "message" | "disconnect", listener: (message?: unknown) => void): void {
    const channel = process.channel as CountedChannel | undefined;
    // Before node:cluster's own listener, which may exit the worker.
    process.prependListener(event as "message", listener);
    channel?.unrefCounted?.();
    this.undo.push(() => {
      // Removing the listener counts down once more.
      channel?.refCounted?.();
      process.off(event, listener);
    });
  }
}

/** How Node counts listeners of `message` and `disconnect`. It is internal, the same on Node 20 to 26, and optional here. */
interface CountedChannel {
  refCounted?(): void;
  unrefCounted?(): void;
}

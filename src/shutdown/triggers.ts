// What can begin a shutdown: signals, a supervisor's message, the loss of a cluster's primary, an uncaught exception.
import cluster from "node:cluster";

/** What a trigger calls. */
export interface TriggerHandlers {
  signal(signal: NodeJS.Signals): void;
  /** "message" or "disconnect". */
  other(reason: string): void;
  exception(error: unknown): void;
}

/** A set of listeners on `process`, added one by one, taken away together. */
export class Triggers {
  private readonly undo: (() => void)[] = [];
  private readonly signals = new Set<NodeJS.Signals>();
  private watchesExceptions = false;

  constructor(private readonly handlers: TriggerHandlers) {
    // Without a channel nobody can send a message.
    if (process.send === undefined) return;
    this.onChannel("message", (message) => {
      // PM2 sends this with `shutdown_with_message`, and so can any parent, also on Windows, where no signal can be sent.
      if (message === "shutdown") handlers.other("message");
    });
    if (cluster.isWorker) this.onChannel("disconnect", () => this.disconnected());
  }

  addSignals(signals: readonly NodeJS.Signals[]): void {
    for (const signal of signals) {
      if (this.signals.has(signal)) continue;
      this.signals.add(signal);
      const listener = (): void => this.handlers.signal(signal);
      process.on(signal, listener);
      this.undo.push(() => process.off(signal, listener));
    }
  }

  addExceptions(): void {
    if (this.watchesExceptions) return;
    this.watchesExceptions = true;
    // Unhandled rejections arrive here too, unless the program listens to those.
    const listener = (error: unknown): void => this.handlers.exception(error);
    process.on("uncaughtException", listener);
    this.undo.push(() => process.off("uncaughtException", listener));
  }

  uninstall(): void {
    for (const undo of this.undo.splice(0)) undo();
  }

  /** A cluster's primary has let the worker go, or has died. */
  private disconnected(): void {
    // When the primary died, node:cluster exits the worker right after this event unless it was to exit anyway.
    if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true;
    this.handlers.other("disconnect");
  }

  /** Listens on the IPC channel. Node keeps a process alive for such a listener; for this one it does not. */
  private onChannel(event: "message" | "disconnect", listener: (message?: unknown) => void): void {
    const channel = process.channel as CountedChannel | undefined;
    // Before node:cluster's own listener, see above.
    process.prependListener(event as "message", listener);
    channel?.unrefCounted?.();
    this.undo.push(() => {
      // Taking the listener away counts down once more.
      channel?.refCounted?.();
      process.off(event, listener);
    });
  }
}

/** The counting that Node does for listeners of `message` and `disconnect`; the same on Node 20 to 26, and optional here. */
interface CountedChannel {
  refCounted?(): void;
  unrefCounted?(): void;
}

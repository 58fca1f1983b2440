// Signals that the process sends to itself in its shutdown: NestJS, terminus and Apollo Server end their own cleanup with
// `process.kill(process.pid, signal)`. Nobody has asked for anything by those.
import { constants } from "node:os";

export class RaisedSignals {
  private readonly raised = new Map<NodeJS.Signals, number>();
  private restore: () => void = () => {};

  /** Notes from now on what the process sends to itself. A signal has no sender that Node tells, so the call is noted. */
  start(): void {
    const { kill } = process;
    const noting: typeof process.kill = (pid, signal) => {
      const name = nameOf(signal);
      if (pid === process.pid && name !== undefined) this.raised.set(name, (this.raised.get(name) ?? 0) + 1);
      return kill.call(process, pid, signal);
    };
    process.kill = noting;
    this.restore = () => {
      // Unless somebody else has replaced it meanwhile.
      if (process.kill === noting) process.kill = kill;
    };
  }

  stop(): void {
    this.restore();
    this.raised.clear();
  }

  /** Whether a signal that has arrived is one of those. */
  take(signal: NodeJS.Signals): boolean {
    const count = this.raised.get(signal) ?? 0;
    if (count > 0) this.raised.set(signal, count - 1);
    return count > 0;
  }
}

function nameOf(signal: string | number | undefined): NodeJS.Signals | undefined {
  const all = Object.entries(constants.signals);
  const found = all.find(([name, number]) => (typeof signal === "number" ? number === signal : name === signal));
  return (signal === undefined ? "SIGTERM" : found?.[0]) as NodeJS.Signals | undefined;
}

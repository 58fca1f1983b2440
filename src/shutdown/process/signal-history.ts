// What a signal means that has come before: the same one twice, one that the process has sent to itself, or a second order.
import { constants } from "node:os";
import { now } from "../../base/time.js";

/** A second signal within this time, in ms, is the first one again: npm and terminals send it twice. */
const repeatWindow = 1_000;

/**
 * - `first`: it has not come before
 * - `same`: it is the first one, delivered twice
 * - `raised`: the process has sent it to itself. NestJS, terminus and Apollo Server end their own cleanup with
 *   `process.kill(process.pid, signal)`, which is no new order
 * - `again`: somebody has sent it once more
 */
export type Arrival = "first" | "same" | "raised" | "again";

export class SignalHistory {
  private readonly cameAt = new Map<NodeJS.Signals, number>();
  private readonly raised = new Map<NodeJS.Signals, number>();
  private restore: () => void = () => {};

  /** Notes from now on what the process sends to itself. Node does not tell who has sent a signal, so the call is noted. */
  noteRaised(): void {
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

  /** Leaves `process.kill` as it was. */
  stop(): void {
    this.restore();
    this.raised.clear();
  }

  arrived(signal: NodeJS.Signals): Arrival {
    const raised = this.raised.get(signal) ?? 0;
    if (raised > 0) {
      this.raised.set(signal, raised - 1);
      return "raised";
    }
    const cameAt = this.cameAt.get(signal);
    if (cameAt === undefined) {
      this.cameAt.set(signal, now());
      return "first";
    }
    return now() - cameAt < repeatWindow ? "same" : "again";
  }
}

function nameOf(signal: string | number = "SIGTERM"): NodeJS.Signals | undefined {
  const names = Object.keys(constants.signals) as NodeJS.Signals[];
  return names.find((name) => name === signal || constants.signals[name] === signal);
}

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

  /**
   * Notes from now on what the process sends to itself. Node does not tell who has sent a signal, so the call is noted. Every
   * `kill`, also one that was imported or kept before, calls `process._kill` (Node.js 20 to 26), which takes numbers alone.
   */
  noteRaised(): void {
    const target: Partial<Record<"kill" | "_kill", Kill>> = process;
    const method = typeof target._kill === "function" ? "_kill" : "kill";
    const kill = target[method];
    if (kill === undefined) return;
    const noting: Kill = (pid, signal) => {
      const name = nameOf(signal);
      // 0 and -pid are its process group.
      const ours = pid === process.pid || pid === 0 || pid === -process.pid;
      if (ours && name !== undefined) this.raised.set(name, (this.raised.get(name) ?? 0) + 1);
      return kill.call(process, pid, signal);
    };
    target[method] = noting;
    this.restore = () => {
      // Unless somebody else has replaced it meanwhile.
      if (target[method] === noting) target[method] = kill;
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

type Kill = (pid: number, signal?: string | number) => unknown;

function nameOf(signal: string | number = "SIGTERM"): NodeJS.Signals | undefined {
  const names = Object.keys(constants.signals) as NodeJS.Signals[];
  return names.find((name) => name === signal || constants.signals[name] === signal);
}

// The shutdown of this process: who takes part in it, what begins it, what a repeated signal means, how it exits.
import { constants } from "node:os";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Plan } from "../steps/plan.js";
import type { ShutdownReport } from "../steps/report.js";
import { Sequence } from "../steps/sequence.js";
import type { ShutdownState } from "../steps/states.js";
import type { Participant } from "./participant.js";
import { type ProcessTrigger, Triggers } from "./triggers.js";

/** Within this time a second signal is the first one again, in ms: npm and terminals send it twice. */
const repeatWindow = 1_000;

export class ProcessShutdown {
  /** Resolves with the report, before the exit. */
  readonly done: Promise<ShutdownReport>;
  private resolveDone: (report: ShutdownReport) => void = () => {};
  private readonly participants = new Set<Participant>();
  private readonly triggers: Triggers;
  private readonly warned = new Set<string>();
  private sequence: Sequence | undefined;
  private firstSignalAt: number | undefined;

  /** @param onGone called when nobody takes part any more */
  constructor(private readonly onGone: () => void) {
    this.done = new Promise((resolve) => {
      this.resolveDone = resolve;
    });
    this.triggers = new Triggers({
      signal: (signal) => this.signalled(signal),
      other: (reason) => this.begin(reason, reason !== "disconnect"),
      exception: (error) => this.failed(error),
    });
  }

  get state(): ShutdownState {
    return this.sequence?.state ?? "serving";
  }

  /** @returns a function by which the participant leaves again, if no shutdown has begun */
  join(participant: Participant): () => void {
    this.participants.add(participant);
    this.triggers.listenFor(this.chosenTriggers());
    this.sequence?.welcome(participant);
    return () => this.leave(participant);
  }

  /** Begins the shutdown, or joins the one that has begun. */
  close(reason: string): Promise<ShutdownReport> {
    this.begin(reason, true);
    return this.done;
  }

  /** Logs a warning of the plan, the same one only once in a process. */
  warn(participant: Participant, message: string): void {
    if (this.warned.has(message)) return;
    this.warned.add(message);
    participant.target.logger.warn({ offloader: participant.target.name }, message);
  }

  private leave(participant: Participant): void {
    // What has begun goes on to its end, which takes every listener away.
    if (this.sequence !== undefined || !this.participants.delete(participant)) return;
    for (const server of participant.servers) server.uninstall();
    if (this.participants.size > 0) {
      this.triggers.listenFor(this.chosenTriggers());
      return;
    }
    this.triggers.uninstall();
    this.onGone();
  }

  /** What any of those who take part has asked to begin the shutdown. */
  private chosenTriggers(): Set<ProcessTrigger> {
    const options = [...this.participants].map((participant) => participant.options);
    const triggers = new Set<ProcessTrigger>(options.flatMap(({ signals }) => signals));
    if (options.some(({ uncaughtException }) => uncaughtException)) triggers.add("uncaughtException");
    return triggers;
  }

  private signalled(signal: NodeJS.Signals): void {
    const now = performance.now();
    if (this.firstSignalAt === undefined) {
      this.firstSignalAt = now;
      // SIGINT is a person at a terminal: no load balancer has to notice.
      this.begin(signal, signal !== "SIGINT");
    } else if (now - this.firstSignalAt >= repeatWindow) {
      this.sequence?.force(128 + constants.signals[signal]);
    }
  }

  private failed(error: unknown): void {
    this.begin("uncaughtException", true);
    this.sequence?.markDirty();
    this.logger().error({ err: error }, "shutdown: uncaught exception");
  }

  private begin(reason: string, delayed: boolean): void {
    if (this.sequence !== undefined) return;
    const { timeout, drainDelay } = this.plan();
    const plan = { timeout, drainDelay: delayed ? drainDelay : 0 };
    this.sequence = new Sequence(this.participants, reason, plan, this.logger());
    void this.run(this.sequence);
  }

  private async run(sequence: Sequence): Promise<void> {
    const report = await sequence.run();
    const exit = [...this.participants].map(({ options }) => options.exit).find((value) => value !== undefined) ?? true;
    if (exit === true) {
      this.resolveDone(report);
      // Those who wait for `done` come first.
      await nextTurn();
      process.exit(report.exitCode);
    }
    // The process lives on, and may begin anew.
    await sequence.stopWatchdog();
    this.triggers.uninstall();
    for (const { servers } of this.participants) for (const server of servers) server.uninstall();
    this.onGone();
    this.resolveDone(report);
    if (typeof exit === "function") exit(report.exitCode);
  }

  /** What suits all: the shortest time, and the longest delay. */
  private plan(): Plan {
    const options = [...this.participants].map((participant) => participant.options);
    return {
      timeout: Math.min(...options.map(({ timeout }) => timeout)),
      drainDelay: Math.max(...options.map(({ drainDelay }) => drainDelay)),
    };
  }

  private logger(): Participant["target"]["logger"] {
    const [first] = this.participants;
    if (first === undefined) throw new TypeError("a shutdown without participants");
    return first.target.logger;
  }
}

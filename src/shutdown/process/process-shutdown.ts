// The shutdown of this process: who takes part in it, what a repeated signal means, how the process exits.
import { constants } from "node:os";
import { type Deferred, deferred } from "../../base/deferred.js";
import type { Logger } from "../../base/logger.js";
import { now, turn } from "../../base/time.js";
import type { ResolvedShutdownOptions } from "../shutdown-options.js";
import type { Participant } from "../steps/participant.js";
import type { Plan } from "../steps/plan.js";
import type { ShutdownReport } from "../steps/report.js";
import { Sequence } from "../steps/sequence.js";
import type { ShutdownState } from "../steps/states.js";
import { type ProcessTrigger, Triggers } from "./triggers.js";

/** A second signal within this time, in ms, is the first one again: npm and terminals send it twice. */
const repeatWindow = 1_000;

export class ProcessShutdown {
  /** Resolves with the report, before the exit. */
  readonly done: Promise<ShutdownReport>;
  private readonly whenDone: Deferred<ShutdownReport> = deferred();
  private readonly participants = new Set<Participant>();
  private readonly triggers: Triggers;
  private readonly warned = new Set<string>();
  private sequence: Sequence | undefined;
  private firstSignalAt: number | undefined;

  /** @param onGone called when nobody takes part any more */
  constructor(private readonly onGone: () => void) {
    this.done = this.whenDone.promise;
    this.triggers = new Triggers({
      signal: (signal) => this.onSignal(signal),
      message: () => this.begin("message"),
      // A worker that its primary has let go gets no more connections, so there is no load balancer to wait for.
      disconnect: () => this.begin("disconnect", { delayed: false }),
      exception: (error) => this.onException(error),
    });
  }

  get state(): ShutdownState {
    return this.sequence?.state ?? "serving";
  }

  /** @returns a function with which the participant leaves again; it does nothing once a shutdown has begun */
  join(participant: Participant): () => void {
    this.participants.add(participant);
    this.triggers.listenFor(this.chosenTriggers());
    this.sequence?.include(participant);
    return () => this.leave(participant);
  }

  /** Begins the shutdown, or joins the one that has begun. */
  close(reason: string): Promise<ShutdownReport> {
    this.begin(reason);
    return this.done;
  }

  /** Logs a warning about the plan, each one once in a process. */
  warn(participant: Participant, message: string): void {
    if (this.warned.has(message)) return;
    this.warned.add(message);
    participant.target.logger.warn({ offloader: participant.target.name }, message);
  }

  private leave(participant: Participant): void {
    // A shutdown that has begun goes on to its end, and takes every listener away then.
    if (this.sequence !== undefined || !this.participants.delete(participant)) return;
    for (const server of participant.servers) server.uninstall();
    if (this.participants.size > 0) {
      this.triggers.listenFor(this.chosenTriggers());
      return;
    }
    this.triggers.uninstall();
    this.onGone();
  }

  /** What begins the shutdown: whatever one of the participants has chosen. */
  private chosenTriggers(): Set<ProcessTrigger> {
    const options = this.allOptions();
    const triggers = new Set<ProcessTrigger>(options.flatMap(({ signals }) => signals));
    if (options.some(({ uncaughtException }) => uncaughtException)) triggers.add("uncaughtException");
    return triggers;
  }

  private onSignal(signal: NodeJS.Signals): void {
    if (this.firstSignalAt === undefined) {
      this.firstSignalAt = now();
      // SIGINT comes from a person at a terminal: no load balancer has to notice.
      this.begin(signal, { delayed: signal !== "SIGINT" });
    } else if (now() - this.firstSignalAt >= repeatWindow) {
      this.sequence?.force(128 + constants.signals[signal]);
    }
  }

  private onException(error: unknown): void {
    this.begin("uncaughtException");
    this.sequence?.noteException();
    this.logger().error({ err: error }, "shutdown: uncaught exception");
  }

  private begin(reason: string, { delayed }: { delayed: boolean } = { delayed: true }): void {
    if (this.sequence !== undefined) return;
    const { timeout, drainDelay } = this.plan();
    const plan = { timeout, drainDelay: delayed ? drainDelay : 0 };
    this.sequence = new Sequence(this.participants, reason, plan, this.logger());
    void this.run(this.sequence);
  }

  private async run(sequence: Sequence): Promise<void> {
    const report = await sequence.run();
    const exit = this.allOptions().find((options) => options.exit !== undefined)?.exit ?? true;
    if (exit === true) {
      this.whenDone.resolve(report);
      // Whoever waits for `done` goes on before the exit.
      await turn();
      process.exit(report.exitCode);
    }
    // The process lives on, and may have another shutdown later.
    await sequence.stopWatchdog();
    this.triggers.uninstall();
    for (const { servers } of this.participants) for (const server of servers) server.uninstall();
    this.onGone();
    this.whenDone.resolve(report);
    if (typeof exit === "function") exit(report.exitCode);
  }

  /** The shortest timeout and the longest delay of all participants. */
  private plan(): Plan {
    const options = this.allOptions();
    return {
      timeout: Math.min(...options.map(({ timeout }) => timeout)),
      drainDelay: Math.max(...options.map(({ drainDelay }) => drainDelay)),
    };
  }

  private allOptions(): ResolvedShutdownOptions[] {
    return [...this.participants].map(({ options }) => options);
  }

  private logger(): Logger {
    const [first] = this.participants;
    if (first === undefined) throw new TypeError("a shutdown without participants");
    return first.target.logger;
  }
}

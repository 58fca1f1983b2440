// One shutdown from its reason to its report: the steps, each with its share of the one deadline.
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../../base/logger.js";
import { endUpgraded } from "../http/upgrades.js";
import type { Participant } from "../process/participant.js";
import { Watchdog } from "../process/watchdog.js";
import { Deadline } from "./deadline.js";
import { type NamedHook, runHooks } from "./hooks.js";
import { Pending } from "./pending.js";
import { abortBudget, type Plan } from "./plan.js";
import { type CloseReport, describeRequests, type ShutdownReport, seconds } from "./report.js";
import type { ShutdownState } from "./states.js";
import type { DrainTarget } from "./target.js";

/** How often what is still waited for is logged, in ms. */
const progressInterval = 3_000;
/** What is left of the deadline when a second signal forces the end, in ms. */
const forcedTimeout = 500;

export class Sequence {
  state: ShutdownState = "leaving";
  private readonly startedAt = performance.now();
  private readonly deadline: Deadline;
  private readonly watchdog: Watchdog;
  private readonly pending: Pending;
  private forcedSockets = 0;
  private forcedCode: number | undefined;
  private dirty = false;

  /** @param participants may grow while the shutdown runs, see {@link welcome} */
  constructor(
    private readonly participants: ReadonlySet<Participant>,
    private readonly reason: string,
    private readonly plan: Plan,
    private readonly logger: Logger,
  ) {
    this.pending = new Pending(participants);
    this.deadline = new Deadline(this.startedAt + plan.timeout, abortBudget(plan.timeout));
    this.watchdog = new Watchdog((error) => {
      logger.warn({ err: error }, "shutdown: no watchdog; a blocked event loop would outlive the deadline");
    });
  }

  /** Goes through every step. Never rejects. */
  async run(): Promise<ShutdownReport> {
    const progress = setInterval(() => this.logProgress(), progressInterval);
    try {
      await this.leave();
      await this.closeServers();
      const drained = await this.drain();
      const reports = await this.closeTargets(drained);
      const failedHooks = await runHooks(this.hooks(), {
        reason: this.reason,
        deadline: this.deadline,
        logger: this.logger,
      });
      return this.finish(reports, failedHooks);
    } finally {
      clearInterval(progress);
    }
  }

  /** A participant that came when the shutdown had begun: it is taken as far as the others are. */
  welcome(participant: Participant): void {
    const { target, servers } = participant;
    this.pending.include(target);
    target.announceDraining();
    for (const server of servers) {
      server.announce();
      if (this.state !== "leaving") server.close();
    }
  }

  /** Jumps to the end: 500 ms are left, and this exit code is used. */
  force(exitCode: number): void {
    if (this.forcedCode !== undefined || this.state === "ended") return;
    this.forcedCode = exitCode;
    this.deadline.shorten(performance.now() + forcedTimeout, forcedTimeout);
    this.logger.warn({ shutdown: this.state }, `shutdown ${this.state}: forced by a further signal`);
    this.informWatchdog();
  }

  /** Something went wrong that the exit code must show. */
  markDirty(): void {
    this.dirty = true;
  }

  /** For those who go on living after a shutdown. */
  stopWatchdog(): Promise<void> {
    return this.watchdog.stop();
  }

  private async leave(): Promise<void> {
    for (const participant of this.participants) this.welcome(participant);
    const { drainDelay } = this.plan;
    const serving =
      drainDelay > 0 ? `; serving for ${seconds(drainDelay)} more, until load balancers have noticed` : "";
    const left = seconds(this.deadline.left("end"));
    this.enter("leaving", `${this.reason}; over in ${left} at the latest${serving}`);
    if (drainDelay > 0) await this.pause(drainDelay);
  }

  private async pause(ms: number): Promise<void> {
    const stop = new AbortController();
    const pause = sleep(ms, undefined, { signal: stop.signal }).catch(() => {});
    await this.deadline.within(pause, "requests");
    stop.abort();
  }

  private async closeServers(): Promise<void> {
    // Connections that the kernel holds for us are accepted in the poll phase; a listener closed before that resets them.
    await nextTurn();
    this.enter("closing", `no new connections; waiting for ${this.pending.describe()}`);
    for (const server of this.pending.servers()) server.close();
    for (const { servers, options } of this.participants) {
      for (const server of servers) void endUpgraded(server, options.onUpgraded, this.deadline, this.logger);
    }
    if (await this.deadline.within(this.pending.serversDrained(), "requests")) return;
    const open = this.pending.openRequests();
    if (open.length > 0) {
      this.logger.warn(
        { shutdown: this.state },
        `shutdown closing: no time left for ${describeRequests(open)}; cut off`,
      );
    }
    for (const server of this.pending.servers()) this.forcedSockets += server.force();
  }

  private async drain(): Promise<boolean> {
    this.enter("draining", `no open requests; waiting for ${this.pending.describe()}`);
    return this.deadline.within(this.pending.settled(), "abort");
  }

  private async closeTargets(drained: boolean): Promise<CloseReport[]> {
    if (drained) this.enter("ending", "every task has ended; ending the threads");
    else this.enter("aborting", `no time left; aborting ${this.pending.describe()}`);
    // By target, for an offloader may take part twice, with two servers.
    const reports = new Map<DrainTarget, CloseReport>();
    await Promise.all(
      [...this.participants].map(async (participant) => {
        reports.set(participant.target, await participant.close(this.deadline));
      }),
    );
    if (!drained) this.enter("ending", "the threads have ended");
    return [...reports.values()];
  }

  private hooks(): Required<NamedHook>[] {
    return [...this.participants].flatMap(({ options }) => options.hooks);
  }

  private finish(reports: readonly CloseReport[], failedHooks: readonly string[]): ShutdownReport {
    const abandoned = reports.flatMap((report) => report.abandoned);
    const clean = abandoned.length === 0 && failedHooks.length === 0 && !this.dirty;
    const report: ShutdownReport = {
      reason: this.reason,
      exitCode: this.forcedCode ?? (clean ? 0 : 1),
      ...this.pending.ended(),
      abandoned,
      journaled: reports.reduce((sum, { journaled }) => sum + journaled, 0),
      forcedSockets: this.forcedSockets,
      failedHooks,
      durationMs: Math.round(performance.now() - this.startedAt),
    };
    this.state = "ended";
    this.announceStep();
    const { completed, failed, journaled, exitCode } = report;
    this.logger[exitCode === 0 ? "info" : "error"](
      { shutdown: "ended", report },
      `shutdown ended: in ${seconds(report.durationMs)} with exit code ${exitCode}; during it ${completed} completed, ` +
        `${failed} failed, ${abandoned.length} abandoned, ${journaled} kept for the next process`,
    );
    return report;
  }

  private enter(state: ShutdownState, message: string): void {
    this.state = state;
    this.logger.info({ shutdown: state }, `shutdown ${state}: ${message}`);
    this.informWatchdog();
    this.announceStep();
  }

  private announceStep(): void {
    const step = {
      state: this.state,
      reason: this.reason,
      leftMs: Math.round(this.deadline.at - performance.now()),
      openRequests: this.pending.openRequests(),
      unfinished: this.pending.unfinishedCount(),
    };
    for (const { options } of this.participants) {
      try {
        options.onStep?.(step);
      } catch (error) {
        this.logger.error({ err: error }, "shutdown: onStep failed");
      }
    }
  }

  private logProgress(): void {
    const left = seconds(this.deadline.at - performance.now());
    this.logger.info({ shutdown: this.state }, `shutdown ${this.state}: ${left} left; ${this.pending.describe()}`);
    this.informWatchdog();
  }

  private informWatchdog(): void {
    this.watchdog.tell(this.deadline.at, this.forcedCode ?? 1, {
      state: this.state,
      reason: this.reason,
      openRequests: this.pending.openRequests().length,
      unfinished: this.pending.unfinishedCount(),
      tasks: this.pending.unfinished(20),
    });
  }
}

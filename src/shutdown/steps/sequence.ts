// One shutdown from its reason to its report: the steps, each with its share of the one deadline.
import type { Logger } from "../../base/logger.js";
import { now, turn } from "../../base/time.js";
import type { OpenRequest } from "../http/open-request.js";
import { Deadline } from "./deadline.js";
import { endUpgraded } from "./end-upgraded.js";
import { type NamedHook, runHooks } from "./hooks.js";
import type { Participant } from "./participant.js";
import { Pending } from "./pending.js";
import { abortBudget, type Plan } from "./plan.js";
import { Progress } from "./progress.js";
import type { CloseReport, ShutdownReport } from "./report.js";
import type { ShutdownState } from "./states.js";
import type { DrainTarget } from "./target.js";
import { describeRequests, seconds } from "./words.js";

/** What is left of the deadline when a second signal forces the end, in ms. */
const forcedTimeout = 500;

/** Where a shutdown is, for those who show it. */
export interface ShutdownCourse {
  readonly reason: string;
  /** Until the deadline, in ms. */
  readonly leftMs: number;
  /** Until the open requests are cut off, in ms. */
  readonly requestsLeftMs: number;
  readonly openRequests: readonly OpenRequest[];
}

export class Sequence {
  private readonly startedAt: number = now();
  private readonly deadline: Deadline;
  private readonly pending: Pending;
  private readonly progress: Progress;
  private forcedSockets = 0;
  private forcedCode: number | undefined;
  private hadException = false;

  /** @param participants may grow while the shutdown runs, see {@link include} */
  constructor(
    private readonly participants: ReadonlySet<Participant>,
    private readonly reason: string,
    private readonly plan: Plan,
    private readonly logger: Logger,
    /** Called when the listeners close. */
    private readonly onClosing: () => void,
  ) {
    this.pending = new Pending(participants);
    this.deadline = new Deadline(this.startedAt + plan.timeout, abortBudget(plan.timeout));
    this.progress = new Progress({ participants, reason, deadline: this.deadline, pending: this.pending, logger });
  }

  get state(): ShutdownState {
    return this.progress.state;
  }

  get course(): ShutdownCourse {
    return {
      reason: this.reason,
      leftMs: this.deadline.at - now(),
      requestsLeftMs: this.deadline.left("requests"),
      openRequests: this.pending.openRequests(),
    };
  }

  /** Goes through every step. Never rejects. */
  async run(): Promise<ShutdownReport> {
    const stopProgress = this.progress.start();
    try {
      await this.leave();
      await this.closeServers();
      const drained = await this.drain();
      const reports = await this.closeTargets(drained);
      const { reason, deadline, logger } = this;
      const failedHooks = await runHooks(this.hooks(), { reason, deadline, logger });
      return this.finish(reports, failedHooks);
    } finally {
      stopProgress();
    }
  }

  /** Brings a participant as far as the shutdown is; also one that joins after it has begun. */
  include({ target, servers }: Participant): void {
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
    this.deadline.shorten(now() + forcedTimeout, forcedTimeout);
    this.progress.force(exitCode);
  }

  /** The exit code will be 1, because an uncaught exception came. */
  noteException(): void {
    this.hadException = true;
  }

  /** Until the deadline, in ms. */
  get left(): number {
    return this.deadline.left("end");
  }

  /** What an exit now would leave: requests, tasks, and what cannot be ended. */
  unended(): number {
    return this.pending.unended();
  }

  /** The report is there: only the exit is left, which nothing may hold up for longer than this. */
  exitWithin(ms: number): void {
    this.progress.exitWithin(ms);
  }

  /** For a process that lives on after its shutdown. */
  stopWatchdog(): Promise<void> {
    return this.progress.stopWatchdog();
  }

  private async leave(): Promise<void> {
    for (const participant of this.participants) this.include(participant);
    const { drainDelay } = this.plan;
    const serving =
      drainDelay > 0 ? `; serving for ${seconds(drainDelay)} more, until load balancers have noticed` : "";
    const left = seconds(this.deadline.left("end"));
    this.progress.enter("leaving", `${this.reason}; over in ${left} at the latest${serving}`);
    if (drainDelay > 0) await this.deadline.within(new Promise(() => {}), "requests", now() + drainDelay);
  }

  private async closeServers(): Promise<void> {
    // The kernel holds new connections until the poll phase accepts them. A listener that closes before that resets them.
    await turn();
    this.progress.enter("closing", this.describeClosing());
    for (const server of this.pending.servers()) server.close();
    this.onClosing();
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

  private describeClosing(): string {
    const pending = this.pending.describe();
    if (this.pending.servers().length === 0) return `no server was given or found; waiting for ${pending}`;
    const found = [...this.participants].flatMap(({ findsServers, servers }) => (findsServers ? servers : []));
    if (found.length === 0) return `no new connections; waiting for ${pending}`;
    const where = found.map((server) => server.where).join(", ");
    return `no new connections on ${where} (found, because no server was given); waiting for ${pending}`;
  }

  private async drain(): Promise<boolean> {
    this.progress.enter("draining", `no open requests; waiting for ${this.pending.describe()}`);
    return this.deadline.idle(this.pending);
  }

  private async closeTargets(drained: boolean): Promise<CloseReport[]> {
    if (drained) this.progress.enter("ending", "every task has ended; ending the threads");
    else this.progress.enter("aborting", `no time left; aborting ${this.pending.describe()}`);
    // One report a target, because an offloader may take part twice, with two servers.
    const reports = new Map<DrainTarget, CloseReport>();
    await Promise.all(
      [...this.participants].map(async (participant) => {
        reports.set(participant.target, await participant.close(this.deadline));
      }),
    );
    if (!drained) this.progress.enter("ending", "the time of the threads is over");
    return [...reports.values()];
  }

  private hooks(): Required<NamedHook>[] {
    return [...this.participants].flatMap(({ options }) => options.hooks);
  }

  private finish(reports: readonly CloseReport[], failedHooks: readonly string[]): ShutdownReport {
    const abandoned = reports.flatMap((report) => report.abandoned);
    const clean = abandoned.length === 0 && failedHooks.length === 0 && !this.hadException;
    const report: ShutdownReport = {
      reason: this.reason,
      exitCode: this.forcedCode ?? (clean ? 0 : 1),
      ...this.pending.ended(),
      abandoned,
      journaled: reports.reduce((sum, { journaled }) => sum + journaled, 0),
      forcedSockets: this.forcedSockets,
      failedHooks,
      durationMs: Math.round(now() - this.startedAt),
    };
    this.progress.end(report);
    return report;
  }
}

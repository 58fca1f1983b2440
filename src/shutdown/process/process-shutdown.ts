// The shutdown of this process: who takes part in it, what a repeated signal means, how the process exits.
import { setMaxListeners } from "node:events";
import { constants } from "node:os";
import { type Deferred, deferred } from "../../base/deferred.js";
import { OffloadError } from "../../base/errors.js";
import type { Logger } from "../../base/logger.js";
import { turn } from "../../base/time.js";
import type { ResolvedShutdownOptions } from "../shutdown-options.js";
import type { Participant } from "../steps/participant.js";
import type { Plan } from "../steps/plan.js";
import type { ShutdownReport } from "../steps/report.js";
import { Sequence, type ShutdownCourse } from "../steps/sequence.js";
import type { ShutdownState } from "../steps/states.js";
import type { DrainTarget } from "../steps/target.js";
import { endByForceAtExit, keepsExitCode } from "./end-by-force.js";
import { FoundServers } from "./found-servers.js";
import { describeListener, OtherListeners } from "./other-listeners.js";
import { flushOutput, outliveReaders } from "./output.js";
import { SignalHistory } from "./signal-history.js";
import { type ProcessTrigger, Triggers } from "./triggers.js";

/** How long after the deadline readers of the output may still take the last of it, and how long the exit may take then, in ms. */
const outputGrace = 200;
const exitGrace = 200;

export class ProcessShutdown {
  /** Resolves with the report, before the exit. */
  readonly done: Promise<ShutdownReport>;
  private readonly whenDone: Deferred<ShutdownReport> = deferred();
  private readonly closing = new AbortController();
  private readonly participants = new Set<Participant>();
  private readonly triggers: Triggers;
  private readonly otherListeners: OtherListeners;
  private readonly foundServers: FoundServers;
  private readonly history = new SignalHistory();
  private readonly warned = new Set<string>();
  private sequence: Sequence | undefined;

  /** @param onGone called when nobody takes part any more */
  constructor(private readonly onGone: () => void) {
    this.done = this.whenDone.promise;
    // Each of 1,000 event streams may listen to it.
    setMaxListeners(0, this.closing.signal);
    this.triggers = new Triggers({
      signal: (signal) => this.onSignal(signal),
      message: () => this.begin("message"),
      // A worker that its primary has let go gets no more connections, so there is no load balancer to wait for.
      disconnect: () => this.begin("disconnect", { delayed: false }),
      exception: (error) => this.onException(error),
    });
    this.otherListeners = new OtherListeners((signal, what) => {
      this.say(what.ending === "exits" ? "warn" : "info", describeListener(signal, what));
    });
    this.foundServers = new FoundServers(this.participants, (finder) => this.sequence?.include(finder));
  }

  get state(): ShutdownState {
    return this.sequence?.state ?? "serving";
  }

  /** What is known while it goes on: the deadline, and what it waits for. undefined where none has begun. */
  get course(): ShutdownCourse | undefined {
    return this.sequence?.course;
  }

  /** Aborts when the listeners close. */
  get signal(): AbortSignal {
    return this.closing.signal;
  }

  /** Whether the target takes part. */
  includes(target: DrainTarget): boolean {
    return [...this.participants].some((participant) => participant.target === target);
  }

  /** @returns a function with which the participant leaves again; it does nothing once a shutdown has begun */
  join(participant: Participant): () => void {
    this.participants.add(participant);
    this.foundServers.forget(participant.servers);
    this.listen();
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
    this.say("warn", message, participant);
  }

  private say(level: "info" | "warn", message: string, participant?: Participant): void {
    const [first] = this.participants;
    const { target } = participant ?? first ?? {};
    if (target === undefined || this.warned.has(message)) return;
    this.warned.add(message);
    target.logger[level]({ offloader: target.name }, message);
  }

  private leave(participant: Participant): void {
    // A shutdown that has begun goes on to its end, and takes every listener away then.
    if (this.sequence !== undefined || !this.participants.delete(participant)) return;
    for (const server of participant.servers) server.uninstall();
    // Another participant may find the servers that this one had.
    this.foundServers.stop();
    if (this.participants.size > 0) {
      this.listen();
      return;
    }
    this.uninstall();
    this.onGone();
  }

  /** Listens for what the participants have chosen. */
  private listen(): void {
    const triggers = this.chosenTriggers();
    this.triggers.listenFor(triggers);
    const signals = new Set([...triggers].filter((trigger) => trigger !== "uncaughtException"));
    if (this.sequence === undefined) this.otherListeners.watch(signals, this.triggers.installed);
    this.foundServers.watch();
  }

  private uninstall(): void {
    this.triggers.uninstall();
    this.otherListeners.stop();
    this.foundServers.stop();
    this.history.stop();
  }

  /** What begins the shutdown: whatever one of the participants has chosen. */
  private chosenTriggers(): Set<ProcessTrigger> {
    const options = this.allOptions();
    const triggers = new Set<ProcessTrigger>(options.flatMap(({ signals }) => signals));
    if (options.some(({ uncaughtException }) => uncaughtException)) triggers.add("uncaughtException");
    return triggers;
  }

  private onSignal(signal: NodeJS.Signals): void {
    const arrival = this.history.arrived(signal);
    if (this.sequence === undefined) {
      // SIGINT comes from a person at a terminal: no load balancer has to notice.
      this.begin(signal, { delayed: signal !== "SIGINT" });
      return;
    }
    const forces = this.allOptions().some(({ forceOn }) => forceOn.includes(signal));
    if (arrival === "again" && forces) this.sequence.force(128 + constants.signals[signal]);
    else if (arrival === "again" || arrival === "raised") {
      this.say("info", `shutdown: ${signal} came again, which changes nothing`);
    } else if (arrival === "first") {
      const then = forces ? "; if it comes once more, it forces the end" : "";
      this.say("info", `shutdown: ${signal} came, which changes nothing, because the shutdown has begun${then}`);
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
    this.otherListeners.stop();
    this.history.noteRaised();
    this.foundServers.keep();
    this.sequence = new Sequence(this.participants, reason, plan, this.logger(), () => {
      this.closing.abort(new OffloadError("AR_SHUTTING_DOWN", `the process shuts down: ${reason}`));
    });
    void this.run(this.sequence);
  }

  private async run(sequence: Sequence): Promise<void> {
    const disregard = outliveReaders();
    // Something else may exit in the middle of it, and Node would wait for native code then, whatever the deadline is.
    const undo = endByForceAtExit(sequence);
    const report = await sequence.run();
    undo();
    const exit = this.allOptions().find((options) => options.exit !== undefined)?.exit ?? true;
    if (exit === true) {
      const time = Math.max(0, sequence.left) + outputGrace;
      sequence.exitWithin(time + exitGrace);
      this.whenDone.resolve(report);
      // Whoever waits for `done` goes on before the exit.
      await turn();
      await flushOutput(time);
      // The handler of a request that was cut off may be in native code, which Node waits for. Most are not, and then the exit
      // code counts more than the deadline.
      if (report.forcedSockets > 0 && keepsExitCode()) endByForceAtExit({ unended: () => 1, left: 0 });
      process.exit(report.exitCode);
    }
    // The process lives on, and may have another shutdown later.
    await sequence.stopWatchdog();
    disregard();
    this.uninstall();
    for (const { servers } of this.participants) for (const server of servers) server.uninstall();
    this.onGone();
    this.whenDone.resolve(report);
    if (typeof exit === "function") exit(report.exitCode);
  }

  /** The shortest timeout and the longest delay of all participants. */
  private plan(): Plan {
    const all = [...this.participants];
    return {
      timeout: Math.min(...all.map(({ options }) => options.timeout)),
      drainDelay: Math.max(...all.map((participant) => participant.drainDelay())),
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

// What a shutdown still waits for, over all who take part: open requests, unfinished tasks; and what ended meanwhile.

import type { ServerDrain } from "../http/server-drain.js";
import type { Participant } from "../process/participant.js";
import { type CloseReport, describeRequests, describeTasks, type OpenRequest, tally } from "./report.js";
import type { DrainTarget, UnfinishedTask } from "./target.js";

export class Pending {
  private readonly totalsAtStart = new Map<DrainTarget, ReturnType<DrainTarget["totals"]>>();

  constructor(private readonly participants: ReadonlySet<Participant>) {}

  /** From now on what ends is counted. */
  include(target: DrainTarget): void {
    if (!this.totalsAtStart.has(target)) this.totalsAtStart.set(target, target.totals());
  }

  /** Each once, for an offloader may take part twice, with two servers. */
  targets(): DrainTarget[] {
    return [...this.totalsAtStart.keys()];
  }

  servers(): ServerDrain[] {
    return [...this.participants].flatMap(({ servers }) => servers);
  }

  openRequests(): OpenRequest[] {
    return this.servers().flatMap((server) => server.openRequests());
  }

  unfinishedCount(): number {
    return sum(this.targets().map((target) => target.unfinishedCount()));
  }

  /** The oldest unfinished tasks, `max` of each target at the most. */
  unfinished(max: number): UnfinishedTask[] {
    return this.targets().flatMap((target) => target.unfinished(max));
  }

  /** In words. */
  describe(): string {
    const tasks = describeTasks(this.unfinishedCount(), this.unfinished(200));
    const open = this.openRequests();
    return open.length > 0 ? `${describeRequests(open)} and ${tasks}` : tasks;
  }

  /** Waits until all targets are settled at the same time, for a task of one may dispatch to another. */
  async settled(): Promise<void> {
    do await Promise.all(this.targets().map((target) => target.settled()));
    while (this.unfinishedCount() > 0);
  }

  async serversDrained(): Promise<void> {
    await Promise.all(this.servers().map(({ drained }) => drained));
  }

  /** What has ended since the start. */
  ended(): Pick<CloseReport, "completed" | "failed"> {
    const tallies = [...this.totalsAtStart].map(([target, before]) => tally(before, target.totals()));
    return {
      completed: sum(tallies.map(({ completed }) => completed)),
      failed: sum(tallies.map(({ failed }) => failed)),
    };
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}

// What a shutdown still waits for, summed up over all participants: open requests and unfinished tasks. And what has ended.
import type { OpenRequest } from "../http/open-request.js";
import type { ServerDrain } from "../http/server-drain.js";
import type { Participant } from "./participant.js";
import { type CloseReport, tally } from "./report.js";
import type { DrainTarget, UnfinishedTask } from "./target.js";
import { describeRequests, describeTasks } from "./words.js";

export class Pending {
  private readonly totalsAtStart = new Map<DrainTarget, ReturnType<DrainTarget["totals"]>>();

  constructor(private readonly participants: ReadonlySet<Participant>) {}

  /** From now on the ends of this target's tasks are counted. */
  include(target: DrainTarget): void {
    if (!this.totalsAtStart.has(target)) this.totalsAtStart.set(target, target.totals());
  }

  /** Each target once, because an offloader may take part twice, with two servers. */
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

  /** Requests and tasks that go on, and threads and callbacks that cannot be ended. */
  unended(): number {
    return this.openRequests().length + this.unfinishedCount() + sum(this.targets().map((target) => target.unended()));
  }

  /** The unfinished tasks, oldest first; at most `max` of each target. */
  unfinished(max?: number): UnfinishedTask[] {
    return this.targets().flatMap((target) => target.unfinished(max));
  }

  /** In words. */
  describe(): string {
    const tasks = describeTasks(this.unfinishedCount(), this.unfinished(200));
    const open = this.openRequests();
    return open.length > 0 ? `${describeRequests(open)} and ${tasks}` : tasks;
  }

  /** Waits until all targets are idle at the same time, because a task of one may dispatch to another. */
  async idle(): Promise<void> {
    do await Promise.all(this.targets().map((target) => target.idle()));
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

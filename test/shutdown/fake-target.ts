// A drain target of plain data: its tasks end when the test says so, and it writes down what was asked of it.
import type { Logger } from "../../src/base/logger.js";
import { nextTurn } from "../../src/base/time.js";
import type { TaskState } from "../../src/core/states.js";
import type { DrainTarget, UnfinishedTask } from "../../src/shutdown/steps/target.js";

export class FakeTarget implements DrainTarget {
  readonly name = "fake";
  /** Everything logged, a line each: "info: message". */
  readonly lines: string[] = [];
  readonly logger: Logger = {
    info: (_fields, message) => this.lines.push(`info: ${message}`),
    warn: (_fields, message) => this.lines.push(`warn: ${message}`),
    error: (_fields, message) => this.lines.push(`error: ${message}`),
  };
  /** The steps asked of it, in order. */
  readonly calls: string[] = [];
  /** What abortRunning() does to a running task: nothing, or lets it end. */
  endsOnAbort = false;
  /** How endThreads() ends. */
  threadsEnd: () => Promise<void> = () => Promise.resolve();
  private readonly tasks = new Map<string, UnfinishedTask>();
  private readonly gone: UnfinishedTask[] = [];
  private readonly counts = { succeeded: 0, failed: 0, cancelled: 0, skipped: 0, abandoned: 0 };
  private watchers: (() => void)[] = [];

  start(id: string, state: TaskState = "running", task = "work"): void {
    this.tasks.set(id, { id, task, state, attempt: state === "running" ? 1 : 0 });
  }

  end(id: string, how: "succeeded" | "failed" | "cancelled" | "skipped" = "succeeded"): void {
    this.tasks.delete(id);
    this.counts[how] += 1;
    this.notify();
  }

  unfinishedCount(): number {
    return this.tasks.size;
  }

  unfinished(max = Number.POSITIVE_INFINITY): UnfinishedTask[] {
    return [...this.tasks.values()].slice(0, max);
  }

  totals(): ReturnType<DrainTarget["totals"]> {
    return { ...this.counts };
  }

  idle(): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.tasks.size === 0) resolve();
        else this.watchers.push(look);
      };
      nextTurn(look);
    });
  }

  announceDraining(): void {
    this.calls.push("announceDraining");
  }

  refuse(): void {
    this.calls.push("refuse");
  }

  abandonWaiting(): void {
    this.calls.push("abandonWaiting");
    this.abandon((task) => task.state !== "running");
  }

  abortRunning(): void {
    this.calls.push("abortRunning");
    if (this.endsOnAbort) this.abandon(() => true);
  }

  abandonRunning(): void {
    this.calls.push("abandonRunning");
    this.abandon(() => true);
  }

  abandoned(): { tasks: UnfinishedTask[]; journaled: number } {
    return { tasks: [...this.gone], journaled: 0 };
  }

  endThreads(timeout: number): Promise<void> {
    this.calls.push(`endThreads(${timeout >= 0 ? "time" : "no time"})`);
    return this.threadsEnd();
  }

  unended(): number {
    return 0;
  }

  private abandon(which: (task: UnfinishedTask) => boolean): void {
    for (const task of [...this.tasks.values()].filter(which)) {
      this.tasks.delete(task.id);
      this.gone.push(task);
      this.counts.abandoned += 1;
    }
    this.notify();
  }

  private notify(): void {
    for (const look of this.watchers.splice(0)) look();
  }
}

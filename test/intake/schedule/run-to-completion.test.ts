// Run to completion, with an engine that a property makes report in any order: whatever listeners do meanwhile, every
// accepted task ends once, and its events come in the order of its states.
import fc from "fast-check";
import { expect, it } from "vitest";
import { OffloadError } from "../../../src/base/errors.js";
import type { EventName } from "../../../src/core/events.js";
import { isFinal } from "../../../src/core/states.js";
import type { Task } from "../../../src/core/task.js";
import { createScheduler } from "../../support/fake-engine.js";
import { expectWholeLife } from "../../support/life.js";
import { defineTask, makeTask } from "../../support/tasks.js";

const step = fc.record({
  what: fc.constantFrom("dispatch", "release", "start", "return", "succeed", "fail", "progress", "hand over", "cancel"),
  /** Which of the tasks, by number. */
  which: fc.nat(9),
  /** What the engine answers when it is asked to stop a task. */
  answer: fc.constantFrom<("unbegun" | "stopping" | "ended")[]>("unbegun", "stopping", "ended"),
});
type Step = typeof step extends fc.Arbitrary<infer Made> ? Made : never;

/** Moves of one step or of several. */
const moves = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 30 });

const reactions = fc.array(
  fc.record({
    event: fc.constantFrom<EventName[]>(
      "accepted",
      "queued",
      "started",
      "progress",
      "retrying",
      "succeeded",
      "cancelled",
    ),
    action: fc.constantFrom("cancel all", "dispatch", "abandon"),
  }),
  { maxLength: 4 },
);

/** A scheduler whose engine does what the steps say, as far as the states of the tasks allow it. */
class Simulation {
  readonly parts = createScheduler({ logsFailures: false, clock: { now: () => 0, after: () => () => {} } });
  readonly tasks: Task[] = [];
  readonly #definition = defineTask("work", { attempts: 2, backoff: 0 });
  #reactionsLeft = 10;

  perform({ what, which, answer }: Step): void {
    const { scheduler, reports, engine } = this.parts;
    engine.stopAnswer = answer;
    const task = this.tasks[which];
    if (what === "dispatch") this.dispatch(which < 3 ? "k" : undefined);
    else if (task === undefined) return;
    else if (what === "cancel") scheduler.cancel(task, undefined);
    else if (what === "release" && task.state === "held") scheduler.release(task);
    else if (what === "start" && task.state === "queued" && !scheduler.keys.isWaiting(task)) reports.started(task);
    else if (task.state === "running") this.#report(task, what);
  }

  #report(task: Task, what: Step["what"]): void {
    const { reports } = this.parts;
    if (what === "return" && task.abortedBy === undefined) reports.returned(task);
    else if (what === "succeed") reports.succeeded(task, 1);
    else if (what === "fail") reports.failed(task, new Error("failed"), true);
    else if (what === "progress") reports.progress(task, 1);
    else if (what === "hand over") reports.handedOver(task);
  }

  dispatch(key?: string): void {
    const { scheduler } = this.parts;
    const task = makeTask(this.#definition, { key });
    this.tasks.push(task);
    scheduler.move(() => {
      scheduler.accept(task);
      if (this.tasks.length % 2 === 0) scheduler.release(task);
    });
  }

  /** What a listener does; a few times, so that it comes to an end. */
  react(action: string): void {
    if (this.#reactionsLeft-- <= 0) return;
    if (action === "dispatch") this.dispatch();
    else if (action === "abandon") this.parts.scheduler.abandonWaiting();
    else for (const task of [...this.tasks]) this.parts.scheduler.cancel(task, "by a listener");
  }

  end(): void {
    this.parts.scheduler.abortRunning(new OffloadError("AR_ABANDONED", "the end"));
    this.parts.scheduler.abandonRunning();
  }
}

it("each task has one end, and its events come in the order of its states", () => {
  fc.assert(
    fc.property(moves, reactions, (groups, reactionsOfListeners) => {
      const simulation = new Simulation();
      const { scheduler, ledger, events, recorded } = simulation.parts;
      for (const { event, action } of reactionsOfListeners) events.on(event, () => simulation.react(action));
      for (const steps of groups) scheduler.move(() => steps.forEach((each) => void simulation.perform(each)));
      simulation.end();
      expect([ledger.unfinished, ledger.bytes]).toEqual([0, 0]);
      for (const task of simulation.tasks) {
        const story = recorded.filter(({ event }) => event.id === task.id);
        expectWholeLife(story.map(({ name }) => name));
        // The state in an event is that of its transition, whatever has become of the task meanwhile.
        const final = story.filter(({ event }) => isFinal(event.state));
        expect(final.map(({ name, event }) => [name, event.state])).toEqual([[task.state, task.state]]);
      }
    }),
    { numRuns: 500 },
  );
});

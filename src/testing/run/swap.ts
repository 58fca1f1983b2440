// What the kit puts into an offloader, and what it puts back: the engine, the clock, where tasks are recorded, and what is said
// of the tasks module.
import { nextTurn } from "../../base/time.js";
import { isFinal } from "../../core/states.js";
import type { Task } from "../../core/task.js";
import type { Engine, EngineHost } from "../../engine/engine.js";
import { createInlineEngine } from "../../engine/inline/inline.js";
import type { Inside } from "../../intake/inside.js";
import { NoStore } from "../../store/no-store.js";
import type { ResolvedTestingOptions } from "../options.js";
import { FrozenClock } from "./frozen-clock.js";
import { KitEngine, type Place } from "./kit-engine.js";
import { answerForModule, doWithoutThreads, type Undo } from "./module-reports.js";
import type { TasksHere } from "./tasks-here.js";

const why = "the test is over";

/**
 * Whether it is not the test's and stays in the journal: what an earlier process left there, and what was to leave for a queue before the
 * test began, whose payload is there alone.
 */
export function isOfNoTest({ replayedId, route, record }: Task): boolean {
  return replayedId !== undefined || (route === "forward" && record !== undefined);
}

export class Swap {
  readonly engine: KitEngine;
  readonly clock: FrozenClock;
  readonly #inside: Inside;
  readonly #undo: Undo[] = [];
  /** The offloader is drained or closed: what is kept would hold that up until its deadline. */
  #ending = false;
  #isOver = false;

  constructor(inside: Inside, options: ResolvedTestingOptions, here: TasksHere) {
    this.#inside = inside;
    this.clock = this.#replaceClock();
    this.#recordNowhere();
    if (options.mode === "inline" || options.tasks !== undefined)
      this.#undo.push(answerForModule(inside, options, here));
    else if (options.mode === "fake") this.#undo.push(doWithoutThreads(inside));
    this.engine = this.#replaceEngine(options, here);
    if (options.mode === "inline") void this.engine.inline;
    this.#letEnd();
  }

  /** Ends everything that is unfinished and was dispatched under test. */
  cancelAll(tasks: readonly Task[]): void {
    const { scheduler } = this.#inside;
    scheduler.move(() => {
      for (const task of [...tasks, ...this.engine.kept]) {
        if (!isFinal(task.state) && !isOfNoTest(task)) scheduler.cancel(task, why);
      }
    });
  }

  /** Another test begins. */
  begin(): void {
    this.#ending = false;
    this.clock.freeze();
  }

  /** Leaves what an earlier process left to the next one: it would hold up a drain until its deadline. */
  leave(): void {
    this.#inside.scheduler.abandonWaiting([...this.engine.kept].filter(isOfNoTest));
  }

  /**
   * Puts everything back.
   *
   * @param forGood the offloader is closed right after it: what the threads have reported means nothing any more
   */
  undo(forGood: boolean): void {
    this.#isOver = true;
    if (forGood) this.leave();
    for (const undo of this.#undo.reverse()) undo(forGood);
  }

  #replaceClock(): FrozenClock {
    const { clock } = this.#inside;
    const frozen = new FrozenClock(clock.now());
    clock.switchTo(frozen);
    this.#undo.push(() => frozen.thaw());
    return frozen;
  }

  /** A task of a test must not come back in the next process. */
  #recordNowhere(): void {
    const { maker } = this.#inside;
    const store = maker.recordIn(new NoStore());
    this.#undo.push(() => maker.recordIn(store));
  }

  #replaceEngine(options: ResolvedTestingOptions, here: TasksHere): KitEngine {
    const { scheduler, module, abortGrace, logger } = this.#inside;
    const inline = { module, concurrency: 1, abortGrace, logger, clock: this.clock, load: () => here.load() };
    const parts = {
      host: this.#host(),
      placeOf: (task: Task) => this.#placeOf(task, options),
      makeInline: () => createInlineEngine(inline),
      holds: (name: string) => scheduler.pauses.holds(name),
      pauseLike: (engine: Engine) => scheduler.pauses.applyTo(engine),
    };
    let engine: KitEngine | undefined;
    scheduler.replaceTaskEngine((original) => {
      const made = new KitEngine({ ...parts, original });
      this.#undo.push(() => {
        scheduler.replaceTaskEngine(() => original);
        made.handBack();
      });
      engine = made;
      return made;
    });
    if (engine === undefined) throw new Error("offload-after-response: the engine was not replaced");
    return engine;
  }

  /** The host of all engines, which hears from this host what it does not hear from the threads now. */
  #host(): EngineHost {
    const { reports } = this.#inside;
    return {
      started: (task) => reports.started(task),
      returned: (task) => reports.returned(task),
      succeeded: (task, value, runMs) => reports.succeeded(task, value, runMs),
      failed: (task, error, retryable, runMs) => reports.failed(task, error, retryable, runMs),
      shed: (task) => reports.shed(task),
      handedOver: (task) => reports.handedOver(task),
      progress: (task, value) => reports.progress(task, value),
      offload: (followUp) => reports.offload(followUp),
      // A module that has been loaded too late is that of no test.
      ready: () => this.#isOver || reports.up(),
      loaded: (names) => this.#isOver || reports.learn(names),
      unloadable: (error) => this.#isOver || reports.refuseAll(error),
      beforeDeparture: () => reports.beforeDeparture(),
      together: (report) => reports.together(report),
    };
  }

  #placeOf(task: Task, { mode, fake, except }: ResolvedTestingOptions): Place {
    const { name } = task.definition;
    if (isOfNoTest(task)) return mode === "threads" ? "original" : "kept";
    const runs = fake === undefined ? mode !== "fake" || except.has(name) : !fake.has(name);
    if (runs) return mode === "threads" ? "original" : "inline";
    // Not within the call that adds it.
    if (this.#ending) nextTurn(() => this.cancelAll([]));
    return "kept";
  }

  /** A drain, a close and the end of the process wait for nothing that only a test would run. */
  #letEnd(): void {
    const { events } = this.#inside;
    const end = (): void => {
      this.#ending = true;
      this.clock.thaw();
      this.cancelAll([]);
    };
    const draining = (): void => {
      end();
      this.leave();
    };
    this.#undo.push(events.on("draining", draining));
    // Before the report of what a process leaves unfinished, which is for real tasks.
    process.prependListener("exit", end);
    this.#undo.push(() => process.off("exit", end));
  }
}

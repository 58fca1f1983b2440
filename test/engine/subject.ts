// An engine under test in its surroundings, and what the conformance suite asks of it.
import { silentLogger } from "../../src/base/logger.js";
import type { TaskDefinition, TaskPolicy } from "../../src/core/definition.js";
import { type EventName, Events } from "../../src/core/events.js";
import type { Dispatch, Task } from "../../src/core/task.js";
import type { Engine } from "../../src/engine/engine.js";
import { defineTask } from "../support/tasks.js";
import { TestHost } from "./host.js";

export interface EngineOptions {
  readonly events: Events;
  /** Tasks that run at the same time, whatever their names. */
  readonly concurrency: number;
  /** ms that a task may go on after its signal aborted. */
  readonly abortGrace: number;
}

export interface EngineUnderTest {
  readonly name: string;
  readonly kind: "task" | "callback";
  create(options: EngineOptions): Engine;
  /** What goes into a task's record, so that it runs the function of this name of test/fixtures/conformance.mjs. */
  content(name: string, payload: unknown, task: () => Task | undefined): { payload: unknown; context?: unknown };
}

/** Long enough for a task that stops, short enough to be waited for. */
export const abortGrace = 200;

export class Subject {
  readonly engine: Engine;
  readonly host: TestHost;
  /** What the engine has answered to `stop`. */
  readonly answers: string[] = [];
  readonly #definitions = new Map<string, TaskDefinition>();

  constructor(
    private readonly under: EngineUnderTest,
    concurrency: number,
  ) {
    const events = new Events((error) => {
      throw error;
    });
    this.engine = under.create({ events, concurrency, abortGrace });
    const stop = this.engine.stop.bind(this.engine);
    this.engine.stop = (...args) => {
      const answer = stop(...args);
      this.answers.push(answer);
      return answer;
    };
    this.host = new TestHost(this.engine, { events, logger: silentLogger });
  }

  define(name: string, policy: Partial<TaskPolicy> = {}): TaskDefinition {
    const made = this.#definitions.get(name) ?? defineTask(name, policy, this.under.kind);
    this.#definitions.set(name, made);
    return made;
  }

  add(name: string, payload?: unknown, dispatch: Partial<Dispatch> = {}): Task {
    let task: Task | undefined;
    const content = this.under.content(name, payload, () => task);
    task = this.host.hold(this.define(name), { backoff: 0, ...dispatch }, content);
    const made = task;
    this.host.scheduler.move(() => this.host.scheduler.release(made));
    return made;
  }

  addMany(count: number, name: string, payload?: unknown, dispatch?: Partial<Dispatch>): Task[] {
    return Array.from({ length: count }, () => this.add(name, payload, dispatch));
  }

  result(task: Task): Promise<unknown> {
    return this.host.scheduler.result(task);
  }

  idle(): Promise<void> {
    return this.host.ledger.idle();
  }

  cancel(task: Task): boolean {
    return this.host.scheduler.cancel(task, "by the test");
  }

  story(task: Task): EventName[] {
    return this.host.story(task);
  }

  /** The ids of the tasks with this event, in the order of the events. */
  order(event: EventName): string[] {
    return this.host.heard.filter(({ name }) => name === event).map(({ event: { id } }) => id);
  }
}

/** Counts how often somebody looks at the state of a task. */
export function countLooks(task: Task, looks: { count: number }): void {
  let { state } = task;
  Object.defineProperty(task, "state", {
    get() {
      looks.count++;
      return state;
    },
    set(value: typeof state) {
      state = value;
    },
  });
}

// The tasks module in the main thread: how the kit gets it, and how it calls one task of it.
import { OffloadError } from "../../base/errors.js";
import { nearest } from "../../base/nearest.js";
import { checkOptions, integer, type Rules, signal } from "../../base/option-rules.js";
import { TaskDefinition } from "../../core/definition.js";
import { capture } from "../../core/payload/capture.js";
import { restore } from "../../core/payload/restore.js";
import { LostResult } from "../../core/result.js";
import { callTask, failureOf } from "../../engine/inline/inline.js";
import { InlineContext } from "../../engine/inline/inline-context.js";
import { loadTasks, type Namespace, type TaskFunction, tasksOf } from "../../engine/tasks/load-tasks.js";
import { defaultPolicy } from "../../intake/call/dispatch-options.js";
import type { Inside } from "../../intake/inside.js";
import type { PerformOptions } from "../contract.js";
import type { ResolvedTestingOptions } from "../options.js";
import { importHere } from "./import-here.js";

const rules: Rules = { attempt: integer(1), context: { expected: "", holds: () => true }, signal };

type Tasks = ReadonlyMap<string, TaskFunction>;

export class TasksHere {
  /** Of a module that was given as it is. */
  readonly given: Tasks | undefined;
  readonly #inside: Inside;
  readonly #importModule: (() => Promise<object>) | undefined;
  #loading: Promise<Tasks> | undefined;

  /** @throws TypeError for a given module without tasks */
  constructor(inside: Inside, { tasks }: ResolvedTestingOptions) {
    this.#inside = inside;
    if (typeof tasks === "function") this.#importModule = tasks as () => Promise<object>;
    else if (tasks !== undefined) this.given = tasksOf(tasks as Namespace, inside.module);
  }

  /** Loads the module, once; tries again after a failure. */
  load(): Promise<Tasks> {
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  /** Calls one task, with the rules for what arrives and what comes back, and without a record of it. */
  async perform(name: string, payload: unknown, options: PerformOptions): Promise<unknown> {
    checkOptions("perform", options, rules);
    const { maker, reports, logger } = this.#inside;
    const run = functionOf(await this.load(), name);
    const { attempt = 1, context, signal = new AbortController().signal } = options;
    // A record that no ledger knows: it has what the context of a task shows.
    const definition = new TaskDefinition(name, "task", defaultPolicy);
    const captured = { payload: capture(payload), bytes: 0, context: capture(context, "context") };
    const task = maker.make({ definition, dispatch: defaultPolicy, ...captured });
    task.attempt = attempt;
    try {
      const outcome = await callTask(run, task, new InlineContext(task, signal, reports, logger));
      if (outcome instanceof LostResult) throw outcome.error(task);
      return restore(outcome);
    } catch (thrown) {
      throw thrown instanceof OffloadError ? thrown : failureOf(thrown).error;
    }
  }

  async #load(): Promise<Tasks> {
    const { module } = this.#inside;
    if (this.given !== undefined) return this.given;
    return loadTasks(module, () => importHere(module, this.#importModule));
  }
}

function functionOf(tasks: Tasks, name: string): TaskFunction {
  const run = tasks.get(name);
  if (run !== undefined) return run;
  const meant = nearest(name, tasks.keys());
  const hint = meant === undefined ? `it exports ${[...tasks.keys()].join(", ")}` : `did you mean ${meant}?`;
  throw new OffloadError("AR_UNKNOWN_TASK", `the tasks module exports no function ${JSON.stringify(name)} (${hint})`);
}

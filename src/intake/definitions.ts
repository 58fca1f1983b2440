// The tasks an offloader knows by name, and the policy of each. The names are known once a thread has loaded the module.
import { cut, describe, OffloadError } from "../base/errors.js";
import type { Logger } from "../base/logger.js";
import { nearest } from "../base/nearest.js";
import { TaskDefinition, type TaskPolicy } from "../core/definition.js";
import type { UnfinishedState } from "../core/states.js";

// A function's name is written in the code, but a computed one may be data: beyond this many, callbacks share one entry.
const maxCallbackNames = 500;
/** Until the names are known, each name that is given is kept. It may be a client's. */
const longestName = 1_000;

export interface DefinitionsParts {
  /** The policy of callbacks, and of tasks without a policy of their own. */
  readonly defaults: TaskPolicy;
  /** By task name. */
  readonly policies: ReadonlyMap<string, TaskPolicy>;
  readonly logger: Logger;
}

export class Definitions {
  readonly #tasks = new Map<string, TaskDefinition>();
  readonly #callbacks = new Map<string, TaskDefinition>();
  #known: ReadonlySet<string> | undefined;
  #policyError: OffloadError | undefined;

  constructor(private readonly parts: DefinitionsParts) {}

  /**
   * The module has been loaded and has tasks of these names.
   *
   * @returns whether they differ from the names known before: the module may have changed since then
   */
  learn(names: readonly string[]): boolean {
    if (this.#known?.size === names.length && names.every((name) => this.#known?.has(name))) return false;
    this.#known = new Set(names);
    this.#policyError = undefined;
    for (const name of this.parts.policies.keys()) if (!this.#known.has(name)) this.#policyWithoutTask(name);
    return true;
  }

  /** The names are not known any more. */
  forget(): void {
    this.#known = undefined;
    this.#policyError = undefined;
  }

  /** The names of the tasks; undefined before the module has been loaded. */
  get names(): readonly string[] | undefined {
    return this.#known && [...this.#known];
  }

  /** Outside of production: a policy is for no task of the module, most likely because its name is misspelled. */
  get policyError(): OffloadError | undefined {
    return this.#policyError;
  }

  /**
   * The definition of a task. Before the names are known, any name has one.
   *
   * @throws OffloadError AR_UNKNOWN_TASK with the nearest known name
   */
  task(name: string): TaskDefinition {
    const made = this.#tasks.get(name);
    if (made !== undefined && (this.#known === undefined || this.#known.has(name))) return made;
    if (typeof name !== "string" || name === "") {
      throw new OffloadError(
        "AR_INVALID_ARGUMENT",
        `expected the name of a task, a non-empty string, got ${describe(name)}`,
      );
    }
    if (this.#known !== undefined && !this.#known.has(name)) throw this.#unknown(name);
    if (name.length > longestName) {
      const expected = `expected the name of a task, of at most ${longestName} characters`;
      throw new OffloadError("AR_INVALID_ARGUMENT", `${expected}, got ${describe(name)} of ${name.length}`);
    }
    const definition = new TaskDefinition(name, "task", this.parts.policies.get(name) ?? this.parts.defaults);
    this.#tasks.set(name, definition);
    return definition;
  }

  /**
   * Checks the name that somebody pauses or resumes. One that nothing has is only warned of, because a callback may have it
   * later.
   *
   * @throws OffloadError AR_INVALID_ARGUMENT
   */
  checkPaused(call: "pause" | "resume", name: unknown): void {
    if (name === undefined) return;
    if (typeof name !== "string" || name === "") {
      const expected = "expected the name of a task or callback, a non-empty string, or nothing for all of them";
      throw new OffloadError("AR_INVALID_ARGUMENT", `${call}(name): ${expected}, got ${describe(name)}`);
    }
    if (this.#known === undefined || this.#known.has(name) || this.#callbacks.has(name)) return;
    const { message } = this.#unknown(name);
    this.parts.logger.warn({ name: cut(name) }, `${call}(name) names no task, and no callback so far: ${message}`);
  }

  /** The definition of the callbacks whose function has this name. */
  callback(name: string): TaskDefinition {
    const known = this.#callbacks.get(name);
    if (known !== undefined) return known;
    const label = name === "" || this.#callbacks.size >= maxCallbackNames ? "callback" : name;
    const shared = this.#callbacks.get(label);
    if (shared !== undefined) return shared;
    const definition = new TaskDefinition(label, "callback", this.parts.defaults);
    this.#callbacks.set(label, definition);
    return definition;
  }

  /** The error of a task that was accepted before the names were known; undefined if the module has a function for it. */
  errorOf(definition: TaskDefinition): OffloadError | undefined {
    if (this.#known === undefined || this.#known.has(definition.name)) return undefined;
    return this.isOfModule(definition) ? this.#unknown(definition.name) : undefined;
  }

  /** Whether it is the definition of a task, and not that of callbacks, which need no module. */
  isOfModule(definition: TaskDefinition): boolean {
    return this.#tasks.get(definition.name) === definition;
  }

  /** How many tasks, or how many callbacks, wait for their turn. */
  queued(kind: TaskDefinition["kind"]): number {
    const definitions = kind === "task" ? this.#tasks : this.#callbacks;
    let queued = 0;
    for (const { counts } of definitions.values()) queued += counts.in("queued");
    return queued;
  }

  /** The error of a name that no task has; undefined while the names are not known. */
  errorOfName(name: string): OffloadError | undefined {
    return this.#known === undefined || this.#known.has(name) ? undefined : this.#unknown(name);
  }

  /** How many unfinished tasks and callbacks of this name there are, in one state or in all. */
  count(name: string, state?: UnfinishedState): number {
    const [task, callback] = [this.#tasks.get(name), this.#callbacks.get(name)];
    return (task?.counts.sum(state) ?? 0) + (callback?.counts.sum(state) ?? 0);
  }

  /** The definitions of all tasks and callbacks that were ever dispatched. */
  *all(): Generator<TaskDefinition> {
    yield* this.#tasks.values();
    yield* this.#callbacks.values();
  }

  #policyWithoutTask(name: string): void {
    const message = `policies.${name}: ${this.#unknown(name).message}`;
    this.parts.logger.warn({ policy: name }, message);
    if (process.env.NODE_ENV !== "production")
      this.#policyError ??= new OffloadError("AR_INVALID_OPTIONS", `createOffloader: ${message}`);
  }

  #unknown(name: string): OffloadError {
    const known = [...(this.#known ?? [])];
    const meant = nearest(name, known);
    const hint = meant === undefined ? `it exports ${known.slice(0, 10).join(", ")}` : `did you mean ${meant}?`;
    return new OffloadError("AR_UNKNOWN_TASK", `the tasks module exports no function ${describe(name)} (${hint})`);
  }
}

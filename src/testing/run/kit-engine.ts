// The engine that the kit puts in the place of the threads: it keeps tasks, fails them, runs them inline, or hands them on to
// the engine that it replaces. Where a task is decides who answers for it.
import type { OffloadError } from "../../base/errors.js";
import { nextTurn } from "../../base/time.js";
import type { Task } from "../../core/task.js";
import type { Engine, EngineHost } from "../../engine/engine.js";
import { failureOf } from "../../engine/inline/inline.js";

/** Where a task goes when its turn comes. */
export type Place = "kept" | "inline" | "original";

export interface KitEngineParts {
  readonly original: Engine;
  readonly host: EngineHost;
  placeOf(task: Task): Place;
  /** Makes the engine that runs tasks here; it is started. */
  makeInline(): Engine;
  /** Whether the tasks of this name are paused. */
  holds(name: string): boolean;
  /** Has an engine hold back what is paused already. */
  pauseLike(engine: Engine): void;
}

interface Failing {
  readonly error: unknown;
  left: number;
}

export class KitEngine implements Engine {
  readonly name = "testing";
  /** Tasks that run when the test asks for it, in their order. */
  readonly kept: Set<Task> = new Set();
  readonly #parts: KitEngineParts;
  /** Tasks that fail in the next turn. */
  readonly #doomed = new Set<Task>();
  readonly #failures = new Map<string, Failing>();
  readonly #runInline = new WeakSet<Task>();
  #inline: Engine | undefined;
  #halted = false;

  constructor(parts: KitEngineParts) {
    this.#parts = parts;
  }

  /** It takes over from an engine that was started. */
  start(): void {}

  prepare(): void {
    this.#parts.original.prepare();
  }

  add(task: Task): void {
    if (this.#failures.has(task.definition.name)) this.#doom(task);
    else this.#put(task, this.#parts.placeOf(task));
  }

  /** Runs a kept task here. */
  release(task: Task): void {
    if (!this.kept.delete(task)) return;
    if (this.#failures.has(task.definition.name)) this.#doom(task);
    else this.#put(task, "inline");
  }

  /** Gives the engine that it replaced what it still keeps. */
  handBack(): void {
    for (const task of this.kept) this.#parts.original.add(task);
    this.kept.clear();
  }

  /** Has so many attempts of the tasks of a name fail. */
  fail(name: string, error: unknown, times: number): void {
    this.#failures.set(name, { error, left: times });
  }

  failNothing(): void {
    this.#failures.clear();
  }

  /** Begins to load what it takes to run tasks here. */
  get inline(): Engine {
    if (this.#inline === undefined) {
      const made = this.#parts.makeInline();
      this.#inline = made;
      made.start(this.#parts.host);
      this.#parts.pauseLike(made);
    }
    return this.#inline;
  }

  remove(task: Task): void {
    if (this.kept.delete(task) || this.#doomed.delete(task)) return;
    this.#engineOf(task).remove(task);
  }

  stop(task: Task, reason: OffloadError): "unbegun" | "stopping" | "ended" {
    return this.#engineOf(task).stop(task, reason);
  }

  want(task: Task): void {
    this.#engineOf(task).want(task);
  }

  delay(task: Task, delayMs: number, error: unknown): boolean {
    return this.#parts.original.delay?.(task, delayMs, error) ?? false;
  }

  ended(task: Task): void {
    this.#parts.original.ended?.(task);
  }

  drain(): void {
    this.#parts.original.drain?.();
  }

  pause(name?: string): void {
    this.#parts.original.pause(name);
    this.#inline?.pause(name);
  }

  resume(name?: string): void {
    this.#parts.original.resume(name);
    this.#inline?.resume(name);
    if (this.#doomed.size > 0) this.#failSoon();
  }

  halt(): void {
    this.#halted = true;
    this.#parts.original.halt();
    this.#inline?.halt();
  }

  async close(timeout: number): Promise<void> {
    await Promise.all([this.#parts.original.close(timeout), this.#inline?.close(timeout)]);
  }

  get unended(): number {
    return this.#parts.original.unended + (this.#inline?.unended ?? 0);
  }

  #put(task: Task, place: Place): void {
    // It runs inline again after a failure only where its place says so.
    this.#runInline.delete(task);
    if (place === "kept") {
      this.kept.add(task);
    } else if (place === "original") {
      this.#parts.original.add(task);
    } else {
      this.#runInline.add(task);
      this.inline.add(task);
    }
  }

  #engineOf(task: Task): Engine {
    return this.#inline !== undefined && this.#runInline.has(task) ? this.#inline : this.#parts.original;
  }

  /** Not within the call that adds, as everywhere. */
  #doom(task: Task): void {
    this.#doomed.add(task);
    this.#failSoon();
  }

  #failSoon(): void {
    nextTurn(() => {
      for (const task of [...this.#doomed]) {
        if (this.#halted || this.#parts.holds(task.definition.name) || !this.#doomed.delete(task)) continue;
        const failing = this.#failures.get(task.definition.name);
        if (failing === undefined) this.#put(task, this.#parts.placeOf(task));
        else this.#fail(task, failing);
      }
    });
  }

  #fail(task: Task, failing: Failing): void {
    const { host } = this.#parts;
    if (--failing.left <= 0) this.#failures.delete(task.definition.name);
    const { error, retryable } = failureOf(failing.error);
    host.together(() => {
      host.started(task);
      host.failed(task, error, retryable, 0);
    });
  }
}

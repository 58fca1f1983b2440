// What is paused: everything, or the tasks and callbacks of some names. A paused process with unfinished work stays alive.
import { clearTicker, setTicker, type Timer } from "../../base/time.js";
import type { Engine } from "../../engine/engine.js";

// The ticker's only purpose is to keep the process alive. About twelve days.
const rarely = 2 ** 30;

export class Pauses {
  /** Names; undefined stands for everything. */
  readonly #paused = new Set<string | undefined>();
  #isPossible = true;
  #keepAlive: Timer | undefined;

  constructor(
    private readonly engines: () => readonly Engine[],
    private readonly unfinished: () => number,
  ) {}

  /** Starts no more tasks and callbacks, or none of this name, until `resume`. */
  pause(name?: string): void {
    if (!this.#isPossible) return;
    this.#paused.add(name);
    for (const engine of this.engines()) engine.pause(name);
    this.update();
  }

  /** Has an engine that comes late hold back the same. */
  applyTo(engine: Engine): void {
    for (const name of this.#paused) engine.pause(name);
  }

  /** Whether tasks and callbacks of this name are held back. */
  holds(name: string): boolean {
    return this.#paused.has(undefined) || this.#paused.has(name);
  }

  /** What is paused: names, and undefined for everything. */
  get paused(): ReadonlySet<string | undefined> {
    return this.#paused;
  }

  resume(name?: string): void {
    if (!this.#paused.delete(name)) return;
    for (const engine of this.engines()) engine.resume(name);
    this.update();
  }

  /** Lifts every pause, because a drain waits for all tasks. */
  resumeAll(): void {
    for (const name of [...this.#paused]) this.resume(name);
  }

  /** The last drain has begun. No pause is possible any more: what is paused would be abandoned at the deadline. */
  resumeForGood(): void {
    this.#isPossible = false;
    this.resumeAll();
  }

  /** A task was accepted or has ended. */
  update(): void {
    if (this.#paused.size > 0 && this.unfinished() > 0) {
      this.#keepAlive ??= setTicker(() => {}, rarely);
    } else if (this.#keepAlive !== undefined) {
      clearTicker(this.#keepAlive);
      this.#keepAlive = undefined;
    }
  }
}

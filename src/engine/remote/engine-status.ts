// Whether the queue elsewhere can be reached, and what is known of it: one line in the log for each change.
import type { Logger } from "../../base/logger.js";
import { now } from "../../base/time.js";
import type { EngineThread } from "./engine-thread.js";
import type { Outbox } from "./outbox.js";
import type { EngineCounts } from "./remote-engine.js";

/** The engine at this moment. */
export interface EngineState extends EngineCounts {
  /** Of the engine. */
  readonly name: string;
  /** Whether its broker can be reached. */
  readonly up: boolean;
  /** Why not, or why it takes no tasks although it can be reached. */
  readonly error: Error | undefined;
  /** Tasks of this process that the queue does not have yet. */
  readonly backlog: number;
  /** How old the counts are, in ms; undefined before the first. */
  readonly countsAgeMs: number | undefined;
}

export interface EngineStatusParts {
  readonly name: string;
  readonly outbox: Pick<Outbox, "backlog">;
  readonly thread: Pick<EngineThread, "ask">;
  readonly logger: Logger;
}

/** Counts that are older are asked for anew, in ms. */
const fresh = 1_000;

export class EngineStatus {
  readonly #parts: EngineStatusParts;
  #up: boolean | undefined;
  #error: Error | undefined;
  #counts: EngineCounts = { waiting: 0, delayed: 0, running: 0, failed: 0 };
  #countedAt: number | undefined;
  #asking = false;

  constructor(parts: EngineStatusParts) {
    this.#parts = parts;
  }

  changed(up: boolean, error: Error | undefined): void {
    const before = this.#up;
    this.#up = up;
    this.#error = up ? undefined : error;
    if (up === before) return;
    const { name, outbox, logger } = this.#parts;
    const fields = { engine: name, backlog: outbox.backlog };
    if (!up) logger.warn({ ...fields, err: error }, `the engine ${name} cannot be reached; tasks wait here for it`);
    else if (before === false) logger.info(fields, `the engine ${name} can be reached again`);
  }

  /** The broker takes no tasks although it can be reached, or takes them again. */
  refusing(error: Error | undefined): void {
    if (this.#up !== true) return;
    this.#error = error;
    const { name, outbox, logger } = this.#parts;
    const fields = { engine: name, backlog: outbox.backlog };
    if (error !== undefined)
      logger.warn({ ...fields, err: error }, `the engine ${name} takes no tasks; they wait here for it`);
    else logger.info(fields, `the engine ${name} takes tasks again`);
  }

  /** The counts are those of the last answer, and newer ones are asked for. */
  read(): EngineState {
    const { name, outbox } = this.#parts;
    const countsAgeMs = this.#countedAt === undefined ? undefined : now() - this.#countedAt;
    if (this.#up && (countsAgeMs === undefined || countsAgeMs > fresh)) void this.#count();
    return { name, up: this.#up ?? false, error: this.#error, backlog: outbox.backlog, ...this.#counts, countsAgeMs };
  }

  async #count(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      this.#counts = await this.#parts.thread.ask({ what: "counts" });
      this.#countedAt = now();
    } catch {
      // The counts stay as they were, and their age tells.
    } finally {
      this.#asking = false;
    }
  }
}

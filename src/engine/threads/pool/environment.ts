// The environment of the threads: one snapshot for all threads that a pool ever starts, so that none differs from the others.
import type { Logger } from "../../../base/logger.js";

export type Variables = Readonly<Record<string, string | undefined>>;

export class Environment {
  /** What `process.env` is in each thread. */
  readonly variables: Variables;
  readonly #follows: boolean;
  #warned = false;

  /** @param chosen the option `pool.env`; undefined: a copy of the process's variables as they are now */
  constructor(
    chosen: Variables | undefined,
    private readonly logger: Logger,
  ) {
    this.variables = { ...(chosen ?? process.env) };
    this.#follows = chosen === undefined;
  }

  /** Warns once, by name and never by value, of variables that the process has changed since. In production as well: tasks would miss a setting. */
  warnOfChanges(): void {
    if (this.#warned || !this.#follows) return;
    const names = new Set([...Object.keys(this.variables), ...Object.keys(process.env)]);
    const changed = [...names].filter((name) => this.variables[name] !== process.env[name]);
    if (changed.length === 0) return;
    this.#warned = true;
    this.logger.warn(
      { variables: changed },
      "process.env has changed since createOffloader, and the threads do not see it: load the environment before createOffloader, or set pool.env",
    );
  }
}

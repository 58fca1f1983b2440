// Misspelled names fail a test: one that the test gives to the kit, and one that the application dispatched before it was known
// which tasks there are.
import { describe, OffloadError } from "../base/errors.js";
import { inTime } from "../base/time.js";
import type { Startup } from "../intake/startup.js";
import type { Recorded, Recorder } from "./recorder.js";

/** How long a thread may take to say which tasks there are. */
const namesMs = 4_000;

export interface NamesParts {
  readonly startup: Startup;
  readonly recorder: Recorder;
  /** Loads the tasks module that the test gave; undefined where it gave none, and a thread says which tasks there are. */
  readonly learn: (() => Promise<void>) | undefined;
}

export class Names {
  constructor(private readonly parts: NamesParts) {}

  /** @throws OffloadError AR_UNKNOWN_TASK for a name that no task has, as far as the names are known */
  check(name: string): void {
    checkText("the testing kit", name);
    const error = this.parts.startup.errorOfName(name);
    if (error !== undefined) throw error;
  }

  /** @throws OffloadError AR_UNKNOWN_TASK for a dispatch that turned out to have the name of no task */
  checkDispatched(): void {
    const dispatched = this.parts.recorder.all("task").find(isMisspelled);
    if (dispatched !== undefined) throw dispatched.error;
  }

  /**
   * Why nothing of this name came, in words for the end of a message; empty where nothing is known.
   *
   * @throws OffloadError AR_UNKNOWN_TASK for a dispatch that turned out to have the name of no task
   */
  reasonFor(name: string): string {
    this.checkDispatched();
    const isCallback = this.parts.recorder.all("callback").some((record) => record.name === name);
    const error = isCallback ? undefined : this.parts.startup.errorOfName(name);
    return error === undefined ? "" : `; ${error.message}`;
  }

  /** Waits until the names are known, if that takes no more than some seconds, and checks these. */
  async checkWhenKnown(names: readonly string[]): Promise<void> {
    const { startup, learn } = this.parts;
    if (names.length === 0 || startup.names !== undefined || startup.refusal !== undefined) return;
    if (learn !== undefined) await learn();
    else await inTime(loaded(startup), namesMs);
    for (const name of names) this.check(name);
  }
}

/** @throws OffloadError AR_INVALID_ARGUMENT for a name that is no string */
export function checkText(call: string, name: unknown): void {
  if (typeof name === "string") return;
  throw new OffloadError("AR_INVALID_ARGUMENT", `${call}: expected a name, a string, got ${describe(name)}`);
}

/** Resolves when a thread has loaded the module, or cannot. */
async function loaded(startup: Startup): Promise<void> {
  await startup.promise.catch(() => {});
}

function isMisspelled({ error }: Recorded): boolean {
  return error instanceof OffloadError && error.code === "AR_UNKNOWN_TASK";
}

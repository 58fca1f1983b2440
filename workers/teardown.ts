// What is to be done in a thread before it ends.
/** Called once before the thread ends for a reason other than a crash. */
export type TeardownHook = () => void | Promise<void>;

// On globalThis, because the tasks may have been bundled with a copy of this file.
const registry = Symbol.for("offload-after-response.teardown");

function hooks(): TeardownHook[] {
  const known: unknown = Reflect.get(globalThis, registry);
  if (Array.isArray(known)) return known;
  const made: TeardownHook[] = [];
  Reflect.set(globalThis, registry, made);
  return made;
}

/**
 * Registers a hook that runs in this thread before it ends: when it has been idle, is replaced, or the process shuts
 * down. Hooks run in reverse order of registration; the offloader bounds their time (`pool.teardownTimeout`). After a crash,
 * or the termination of a task that would not stop, there is no thread left to run them.
 *
 * @param hook closes the database pool, flushes a buffer; may return a promise
 * @throws nothing; what the hook throws is logged when it runs
 * @example
 * ```ts
 * import { onTeardown } from "offload-after-response/worker";
 *
 * const pool = new Pool({ max: 2 });
 * onTeardown(() => pool.end());
 * ```
 */
export function onTeardown(hook: TeardownHook): void {
  hooks().push(hook);
}

/** Runs the hooks, the last registered first. One that fails does not stop the others. */
export async function runTeardown(report: (error: unknown) => void): Promise<void> {
  for (const hook of hooks().splice(0).reverse()) {
    try {
      await hook();
    } catch (error) {
      report(error);
    }
  }
}

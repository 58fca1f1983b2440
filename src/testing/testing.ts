// testing(): puts an offloader under test.
import { describe, OffloadError } from "../base/errors.js";
import type { Offloader } from "../contract.js";
import type { AnyTasks } from "../intake/call/typed.js";
import { copy, type Inside, insideOf } from "../intake/inside.js";
import type { Testing } from "./contract.js";
import { Kit } from "./kit.js";
import { resolveTestingOptions, type TestingOptions } from "./options.js";

// A shared symbol: the matchers of another copy find it too, and can say what is wrong.
const key = Symbol.for("offload-after-response.testing");

/** What is under test now. */
const kits = new Map<object, Kit>();

/**
 * Puts an offloader under test: it accepts, holds and refuses as always, and keeps its tasks for the test instead of running them
 * on threads. What was destructured from it is under test as well. `restore()`, or the end of a `using` block, undoes it.
 *
 * @param offloader the application's own, of `createOffloader`
 * @param options which tasks are kept, and where the others run. Default: all are kept
 * @returns what was offloaded, the assertions, and the calls that run it
 * @throws OffloadError AR_INVALID_ARGUMENT for what is no offloader, in a process with NODE_ENV=production, and for an offloader
 *   that is under test already; AR_INVALID_OPTIONS
 * @example
 * ```ts
 * const tasks = testing(offloader);
 * afterEach(() => tasks.clear());
 *
 * it("offloads the optimisation", async () => {
 *   await request(app).post("/photos/cat").expect(202);
 *   tasks.assertOffloaded("optimizeImage", { key: "cat" });
 * });
 * ```
 */
export function testing<Tasks = AnyTasks>(
  offloader: Offloader<Tasks>,
  options: TestingOptions<Tasks> = {},
): Testing<Tasks> {
  if (process.env.NODE_ENV === "production") {
    throw invalid(
      "testing",
      "it takes the tasks away from their threads, so it works in no process with NODE_ENV=production",
    );
  }
  const inside = theInsideOf(offloader);
  const resolved = resolveTestingOptions(options as unknown as TestingOptions);
  if (kits.has(offloader))
    throw invalid("testing", `the offloader ${inside.name} is under test already: restore() that first`);
  const kit = new Kit({ inside, options: resolved, onRestored: () => kits.delete(offloader), closeAll });
  Object.defineProperty(kit, key, { value: copy });
  bindCalls(kit);
  kits.set(offloader, kit);
  // Threads that start only for work would never say which tasks there are.
  const asksThreads = resolved.tasks === undefined && resolved.mode !== "inline";
  if (asksThreads && inside.startup.names === undefined) void offloader.ready().catch(() => {});
  // The compiler checks names and payloads at the call.
  return kit as unknown as Testing<Tasks>;
}

/**
 * The kit that was given to a matcher, or that of the offloader that was given.
 *
 * @throws OffloadError AR_INVALID_ARGUMENT for everything else
 */
export function kitOf(value: unknown, matcher: string): Kit {
  const kit = value instanceof Kit ? value : kits.get(value as object);
  if (kit !== undefined) return kit;
  const isOfOther = isObject(value) && (insideOf(value)?.copy ?? Reflect.get(value, key) ?? copy) !== copy;
  const expected = "what testing() returned, or an offloader that is under test";
  throw invalid(
    matcher,
    isOfOther ? twoCopies("what expect() was given") : `expected ${expected}, got ${describe(value)}`,
  );
}

/** The calls work destructured too, as those of the offloader do: `const { offloaded, drain } = testing(offloader)`. */
function bindCalls(kit: Kit): void {
  for (const name of Object.getOwnPropertyNames(Kit.prototype)) {
    const call: unknown = Reflect.get(kit, name);
    if (typeof call === "function" && name !== "constructor")
      Object.defineProperty(kit, name, { value: call.bind(kit) });
  }
}

function theInsideOf(offloader: unknown): Inside {
  const inside = insideOf(offloader);
  if (inside === undefined) {
    throw invalid(
      "testing",
      `expected what createOffloader() returned, got ${describe(offloader)}; a copy of it will not do`,
    );
  }
  if (inside.copy !== copy) throw invalid("testing", twoCopies("the offloader"));
  if (inside.inThread) {
    throw invalid("testing", `the offloader ${inside.name} was made in one of its own threads, where nothing runs`);
  }
  return inside;
}

function twoCopies(other: string): string {
  return (
    `${other} and the testing kit come from two copies of offload-after-response: load both by \`import\`, or both by ` +
    "`require`, from one installation, and after the same reset of modules"
  );
}

async function closeAll(): Promise<void> {
  const offloaders = [...kits.keys()] as Offloader[];
  for (const kit of [...kits.values()]) kit.end(true);
  await Promise.all(offloaders.map((offloader) => offloader.close({ timeout: 4_000 })));
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function invalid(call: string, message: string): OffloadError {
  return new OffloadError("AR_INVALID_ARGUMENT", `${call}: ${message}`);
}

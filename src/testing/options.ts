// The options of `testing()`: what each is for, its rule, its default.
import { OffloadError } from "../base/errors.js";
import { checkOptions, either, func, oneOf, type Rule, type Rules, stringList } from "../base/option-rules.js";
import type { AnyTasks, TaskName } from "../intake/call/typed.js";

/**
 * Where tasks run under test. `"fake"`: nowhere, they are kept. `"inline"`: here, on the main thread, after the response.
 * `"threads"`: on threads, as always.
 */
export type Mode = "fake" | "inline" | "threads";

/** Options of `testing()`. */
export interface TestingOptions<Tasks = AnyTasks> {
  /** Default "fake"; with `fake` it is "threads". */
  readonly mode?: Mode | undefined;
  /** Keeps only the tasks of these names. The others run as `mode` says, "inline" or "threads". */
  readonly fake?: readonly TaskName<Tasks>[] | undefined;
  /** With the mode "fake": runs the tasks of these names inline. */
  readonly except?: readonly TaskName<Tasks>[] | undefined;
  /**
   * The tasks module, `import * as tasks from "./tasks.js"`, or a function that imports it: `() => import("./tasks.js")`. The
   * test runner loads it then, so its mocks, its coverage and its TypeScript work in inline tasks. Of a module that is given as
   * it is, the names are known at once. Default: the module of the offloader, imported by Node.js when it is needed. Jest in
   * CommonJS has no import, so its `require` loads the module.
   */
  readonly tasks?: Partial<Tasks> | (() => Promise<Partial<Tasks>>) | undefined;
}

/** The options with every default filled. */
export interface ResolvedTestingOptions {
  readonly mode: Mode;
  readonly fake: ReadonlySet<string> | undefined;
  readonly except: ReadonlySet<string>;
  readonly tasks: object | (() => Promise<object>) | undefined;
}

const isObject: Rule = { expected: "", holds: (value) => typeof value === "object" && value !== null };

const rules: Rules = {
  mode: oneOf("fake", "inline", "threads"),
  fake: stringList,
  except: stringList,
  tasks: { ...either(isObject, func), expected: "the tasks module, or a function that imports it" },
};

/** @throws OffloadError AR_INVALID_OPTIONS naming the option, what was expected and what was given */
export function resolveTestingOptions(options: TestingOptions): ResolvedTestingOptions {
  checkOptions("testing", options, rules);
  const { fake, except, tasks } = options;
  const mode = options.mode ?? (fake === undefined ? "fake" : "threads");
  if (fake !== undefined && mode === "fake") {
    throw contradiction('the mode "fake" keeps every task: leave `fake` out, or give the mode "inline" or "threads"');
  }
  if (except !== undefined && mode !== "fake") {
    throw contradiction(`\`except\` belongs to the mode "fake", got the mode ${JSON.stringify(mode)}`);
  }
  return { mode, fake: fake && new Set(fake), except: new Set(except), tasks };
}

function contradiction(message: string): OffloadError {
  return new OffloadError("AR_INVALID_OPTIONS", `testing: ${message}`);
}

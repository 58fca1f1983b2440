// The options of dashboard(): what each is for, its rule.
import type { IncomingMessage } from "node:http";
import { checkOptions, func, invalid, type Rules, signal } from "../base/option-rules.js";
import type { TaskKind } from "../core/definition.js";

/** What somebody may do: see and act, only see, or nothing. */
export type Access = "full" | "read" | false;

/** What `show` is given of an unfinished task or callback. */
export interface ShownTask {
  /** The id that the dispatch returned. */
  readonly id: string;
  /** The task's name; for a callback the name of its function. */
  readonly task: string;
  /** Whether it is a task or a callback. */
  readonly kind: TaskKind;
  /** A copy of its payload; undefined for a callback, where a part of it was moved to the thread, and where it is for the queue of an engine. */
  readonly payload: unknown;
  /** What the option `context` of `createOffloader` returned at the call. */
  readonly context: unknown;
  /** The option `key` of its dispatch. */
  readonly key: string | undefined;
}

/**
 * Options of `dashboard()`.
 *
 * @typeParam Request what the framework gives its handlers first: a request, or the context of Koa and Hono
 */
export interface DashboardOptions<Request = IncomingMessage> {
  /**
   * Who may see the page. A function of the request that returns `"full"`, `"read"` or `false`, or a promise of it; every other value
   * counts as `false` and is logged. It is called for every request, and every few minutes while a page is open. Or `"local"`: full
   * access for requests from this machine that no proxy has forwarded.
   */
  readonly access: "local" | ((request: Request) => Access | Promise<Access>);
  /**
   * Chooses what is shown of the payload, the context and the key of a task when somebody looks at that task. What it returns is shown
   * as JSON, up to 16 KiB. Default: nothing of them is shown.
   */
  readonly show?: ((task: ShownTask) => unknown) | undefined;
  /**
   * Makes a number from 0 to 1 or a text of what a task gave `task.progress()`. Default: numbers, texts, and `{ done, total }` are shown,
   * and of everything else how long ago it came.
   */
  readonly progress?: ((value: unknown, task: string) => number | string | undefined) | undefined;
  /** Ends the streams of open pages when it aborts. Those of an offloader that shuts down end by themselves. */
  readonly signal?: AbortSignal | undefined;
}

const access = {
  expected: '"local" or a function of the request that returns "full", "read" or false',
  holds: (value: unknown): boolean => value === "local" || typeof value === "function",
};

const rules: Rules<DashboardOptions> = { access, show: func, progress: func, signal };

/** @throws OffloadError AR_INVALID_OPTIONS naming the option, what was expected and what was given */
export function checkDashboardOptions<Request>(options: DashboardOptions<Request>): void {
  checkOptions("dashboard", options, rules);
  // A page that is open because nobody thought of it is how others were attacked.
  if (options.access === undefined) throw invalid("dashboard", "access", access.expected, undefined);
}

// The options of shutdownOnSignals: what each is for, its rule, its default.
import { constants } from "node:os";
import type { Duplex } from "node:stream";
import {
  boolean,
  checkOptions,
  either,
  func,
  invalid,
  milliseconds,
  type Rule,
  type Rules,
  string,
} from "../base/option-rules.js";
import { defaultTimeout, type OnAbandoned } from "./steps/close.js";
import { type NamedHook, namedHook, type ShutdownHook } from "./steps/hooks.js";
import { defaultDrainDelay } from "./steps/plan.js";
import type { OnStep } from "./steps/states.js";

/** Options of `offloader.shutdownOnSignals()`. */
export interface ShutdownOptions {
  /**
   * What begins the shutdown. Default SIGTERM and SIGINT; on Windows also SIGBREAK and SIGHUP (the console is closed).
   * SIGHUP suits a program that is run from a terminal, SIGUSR2 nodemon, SIGQUIT a `STOPSIGNAL`. `[]`: only `close()`.
   */
  readonly signals?: readonly NodeJS.Signals[] | undefined;
  /**
   * Which of them force the end when they come again, more than a second later: 500 ms are left then. Default SIGINT, which
   * a person sends. SIGTERM is sent again by libraries (NestJS, terminus, Apollo Server) and platforms (Heroku) that mean
   * nothing by it. `[]`: none.
   */
  readonly forceOn?: readonly NodeJS.Signals[] | undefined;
  /**
   * From the signal to the exit, in ms, whatever happens. Default 25,000, because Kubernetes kills after 30 s. Open requests
   * have until 5 s before the end and tasks until 3 s before it; with less than 15,000 ms both shrink in proportion.
   */
  readonly timeout?: number | undefined;
  /**
   * How long to go on serving after the signal while load balancers notice, in ms. Default: 5,000 in Kubernetes, where load
   * balancers learn of the end no sooner than the process does, else 0. By default 0 when no server is given or found, and
   * always 0 for SIGINT, which a person sends.
   */
  readonly drainDelay?: number | undefined;
  /** Closing work of the user, run last, in reverse order: `async () => pool.end()` or `{ name, run, timeout }`. */
  readonly hooks?: readonly (ShutdownHook | NamedHook)[] | undefined;
  /** Called with the tasks that were abandoned, before any thread ends. It is awaited for a part of the last 3 s. */
  readonly onAbandoned?: OnAbandoned | undefined;
  /**
   * Called with the upgraded sockets (WebSockets, CONNECT) when the listener closes: the time to send a close frame.
   * Sockets that are still open 2 s after it is done are ended; without it they are ended at once.
   */
  readonly onUpgraded?: ((sockets: readonly Duplex[]) => unknown) | undefined;
  /** Called with every step of the shutdown. */
  readonly onStep?: OnStep | undefined;
  /** Shut down on an uncaught exception as well, with exit code 1. Default false. */
  readonly uncaughtException?: boolean | undefined;
  /** What to do at the end. Default true: `process.exit(code)`. false: nothing. A function is called with the code. */
  readonly exit?: boolean | ((code: number) => void) | undefined;
  /**
   * How long the platform waits after its signal before it kills the process, in ms. Default: the time of the platform, if
   * it is recognised. Only used for a warning at the start when the timeout does not fit.
   */
  readonly platformGrace?: number | undefined;
}

/** The options with every default filled. */
export interface ResolvedShutdownOptions {
  readonly signals: readonly NodeJS.Signals[];
  readonly forceOn: readonly NodeJS.Signals[];
  readonly timeout: number;
  readonly drainDelay: number;
  readonly hooks: readonly Required<NamedHook>[];
  readonly onAbandoned: OnAbandoned | undefined;
  readonly onUpgraded: ((sockets: readonly Duplex[]) => unknown) | undefined;
  readonly onStep: OnStep | undefined;
  readonly uncaughtException: boolean;
  readonly exit: boolean | ((code: number) => void) | undefined;
  readonly platformGrace: number | undefined;
}

// Every other signal cannot be caught, belongs to the debugger, or means a crash.
const catchable: readonly NodeJS.Signals[] = ["SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK", "SIGUSR2", "SIGQUIT"];

const defaultForceOn: readonly NodeJS.Signals[] = ["SIGINT"];

const signalList: Rule = {
  expected: `an array of ${catchable.join(", ")}`,
  holds: (value) => Array.isArray(value) && value.every((signal) => catchable.includes(signal)),
};

const hookList: Rule = {
  expected: "an array of functions or { name, run, timeout }",
  holds: (value) => Array.isArray(value) && value.every((hook) => func.holds(hook) || isNamedHook(hook)),
};

const rules: Rules<ShutdownOptions> = {
  signals: signalList,
  forceOn: signalList,
  timeout: milliseconds(1),
  drainDelay: milliseconds(),
  hooks: hookList,
  onAbandoned: func,
  onUpgraded: func,
  onStep: func,
  uncaughtException: boolean,
  exit: either(boolean, func),
  platformGrace: milliseconds(),
};

/** What the defaults depend on. */
export interface Surroundings {
  readonly inKubernetes: boolean;
  readonly onWindows: boolean;
  readonly hasServer: boolean;
}

/**
 * The options with every default filled, frozen.
 *
 * @throws OffloadError AR_INVALID_OPTIONS naming the option, what was expected and what was given
 */
export function resolveShutdownOptions(
  where: string,
  options: ShutdownOptions,
  surroundings: Surroundings,
): ResolvedShutdownOptions {
  checkOptions(where, options, rules);
  const { onAbandoned, onUpgraded, onStep, exit, platformGrace } = options;
  const timeout = options.timeout ?? defaultTimeout;
  const drainDelay =
    options.drainDelay ?? defaultDrainDelay(timeout, surroundings.inKubernetes, surroundings.hasServer);
  if (drainDelay >= timeout) throw invalid(where, "drainDelay", `less than the timeout (${timeout} ms)`, drainDelay);
  return Object.freeze({
    signals: (options.signals ?? defaultSignals(surroundings.onWindows)).filter(
      (signal) => signal in constants.signals,
    ),
    forceOn: options.forceOn ?? defaultForceOn,
    timeout,
    drainDelay,
    hooks: (options.hooks ?? []).map(namedHook),
    onAbandoned,
    onUpgraded,
    onStep,
    uncaughtException: options.uncaughtException ?? false,
    exit,
    platformGrace,
  });
}

// Elsewhere than on Windows SIGHUP is not a default: a listener would undo `nohup`, and daemons use it to reload.
function defaultSignals(onWindows: boolean): readonly NodeJS.Signals[] {
  return onWindows ? ["SIGTERM", "SIGINT", "SIGBREAK", "SIGHUP"] : ["SIGTERM", "SIGINT"];
}

function isNamedHook(value: unknown): value is NamedHook {
  if (typeof value !== "object" || value === null) return false;
  const { name, run, timeout } = value as Partial<NamedHook>;
  return string.holds(name) && func.holds(run) && (timeout === undefined || milliseconds().holds(timeout));
}

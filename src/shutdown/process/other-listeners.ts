// Other listeners of the shutdown's signals, which may end the process before the shutdown is over: found by their source.

/** What another listener does at its end. */
export type Ending = "exits" | "raises";

interface Known {
  readonly name: string;
  readonly marks: RegExp;
  readonly ending: Ending;
  /** What removes the listener, if the program's own code does not add it. */
  readonly remedy?: string;
}

// Libraries whose listeners call a function that exits, so that the source of the listener does not show it, or whose name helps.
const known: readonly Known[] = [
  { name: "Apollo Server", marks: /stop\(\) threw during[\s\S]*process\.kill\(/, ending: "raises" },
  {
    name: "close-with-grace",
    marks: /^function onSignal ?\(signal\) \{\s*run\(\{ signal \}\);?\s*\}$/,
    ending: "exits",
  },
  { name: "http-graceful-shutdown", marks: /received repeated shut down signal/, ending: "exits" },
  { name: "lightship", marks: /received a shutdown signal[\s\S]*shutdown\(false\)/, ending: "exits" },
  { name: "NestJS (enableShutdownHooks)", marks: /this\.receivedSignal[\s\S]*process\.kill\(/, ending: "raises" },
  {
    name: "Next.js",
    marks: /start-server process cleanup/,
    ending: "exits",
    remedy: "set NEXT_MANUAL_SIG_HANDLE=true",
  },
  // A copy of http-graceful-shutdown, whose listener is wrapped.
  {
    name: "Nitro (graceful shutdown)",
    marks: /^function call\(\)[\s\S]*Reflect\.apply\(callback, this, arguments\)/,
    ending: "exits",
    remedy: "set NITRO_SHUTDOWN_DISABLED=true",
  },
  { name: "terminus", marks: /isShuttingDown[\s\S]*asyncServerStop\(\)[\s\S]*process\.kill\(/, ending: "raises" },
];

// Each as it is written, or as a compiler writes it for CommonJS, such as `(0, node_process_1.exit)(0)`. To name it is enough,
// because it may be handed to a timer or a promise.
const exits: readonly RegExp[] = [
  /\b\w*process\w*\s*\??\.\s*(?:exit|reallyExit|abort)\b/,
  /\b\w*process\w*\s*(?:\?\.)?\s*\[\s*["'`](?:exit|reallyExit|abort)["'`]\s*\]/,
  // Taken from `process` before.
  /(?<![.\w$]|function )exit\s*(?:\?\.)?\s*\(/,
];
const raises = /\bkill\b["'`\])?.\s]*\(\s*\w*process\w*\s*\??\.\s*pid\b/;
/** The name of a bound function is all that it shows. */
const boundExit = /^bound (?:exit|reallyExit|abort)$/;

/** Another listener of a signal. */
export type Found = Pick<Known, "name" | "ending" | "remedy">;

/** What a listener is called, and how it ends; undefined if nothing shows that it ends the process. */
function endingOf(listener: unknown): Found | undefined {
  if (typeof listener !== "function") return undefined;
  const source = Function.prototype.toString.call(listener);
  const found = known.find(({ marks }) => marks.test(source));
  if (found !== undefined) return found;
  const name = listener.name || firstLine(source);
  if (raises.test(source)) return { name, ending: "raises" };
  const ends = boundExit.test(name) || exits.some((mark) => mark.test(source));
  return ends ? { name, ending: "exits" } : undefined;
}

function firstLine(source: string): string {
  const line = source.replace(/\s+/g, " ");
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}

/** Words for a log line. */
export function describeListener(signal: string, { name, ending, remedy }: Found): string {
  if (ending === "exits") {
    const cure = remedy ?? "take it away, or leave the signals to it and call offloader.close() there";
    return `another listener of ${signal} ends the process by itself (${name}): what is unfinished then is lost; ${cure}`;
  }
  return `another listener of ${signal} raises the signal again at its end (${name}), which changes nothing in the shutdown`;
}

/** Looks at the listeners of the signals, now and as they are added, until `stop()`. */
export class OtherListeners {
  private signals: ReadonlySet<string> = new Set();
  private readonly seen = new WeakSet<object>();
  private own: ReadonlySet<unknown> = new Set();
  private watching = false;

  constructor(private readonly found: (signal: string, what: Found) => void) {}

  /** @param own listeners of the shutdown itself */
  watch(signals: ReadonlySet<string>, own: ReadonlySet<unknown>): void {
    this.signals = signals;
    this.own = own;
    for (const signal of signals)
      for (const listener of process.listeners(signal as "SIGTERM")) this.look(signal, listener);
    if (!this.watching) process.on("newListener", this.look);
    this.watching = true;
  }

  stop(): void {
    process.off("newListener", this.look);
    this.watching = false;
  }

  private readonly look = (event: string | symbol, listener: unknown): void => {
    if (typeof event !== "string" || !this.signals.has(event)) return;
    if (typeof listener !== "function" || this.own.has(listener) || this.seen.has(listener)) return;
    this.seen.add(listener);
    const what = endingOf(listener);
    if (what !== undefined) this.found(event, what);
  };
}

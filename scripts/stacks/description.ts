// The stack.json of a stack: what is installed, and which commands build and start its app.
import { readFileSync } from "node:fs";
import path from "node:path";

/** One way to build and start an app. */
export interface Way {
  /** Builds the app for production. */
  readonly build?: string | undefined;
  /** Starts what was built. It is run by a shell, so `exec` is added: the signal has to reach the program. */
  readonly start?: string | undefined;
  /** Starts the app in development. */
  readonly dev?: string | undefined;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

export interface Stack extends Way {
  /** Packages with their versions, which npm installs beside ours. */
  readonly install: readonly string[];
  /** The version of Node.js, where the framework needs a later one than the library. */
  readonly node?: string | undefined;
  /** Other ways to build and start the same app, by name. */
  readonly ways?: Readonly<Record<string, Way>> | undefined;
  /** Another command whose success is the test, in place of the requests: for a test runner. */
  readonly test?: string | undefined;
  /**
   * The path of the requests, in place of `/work/`. The number of the request follows. With a list they take turns. A stack
   * with a `client.mjs` makes its requests itself: `request(url, n)` returns a response.
   */
  readonly request?: string | readonly string[] | undefined;
  /** What the app needs of its own folder in production, if it is not the whole: all else is taken away before the start. */
  readonly deploy?: readonly string[] | undefined;
  /** A file that makes the offloader, and the command that evaluates it anew when it changes. */
  readonly reload?: Reload | undefined;
}

export interface Reload {
  readonly dev: string;
  readonly edit: string;
  /** Where the framework starts another thread or process for the changed code: its offloader is another one. */
  readonly inAnother?: boolean | undefined;
}

const names = ["install", "node", "build", "start", "dev", "ways", "test", "request", "env", "deploy", "reload"];

/** Reads and checks the description in a folder. */
export function readStack(folder: string): Stack {
  const file = path.join(folder, "stack.json");
  const stack: Stack = JSON.parse(readFileSync(file, "utf8"));
  const unknown = Object.keys(stack).filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`${file}: ${unknown.join(", ")} is unknown; there are ${names.join(", ")}`);
  if (!Array.isArray(stack.install)) throw new Error(`${file}: expected install to be a list of packages`);
  if (waysOf(stack).every(({ start }) => start === undefined) && (stack.test ?? stack.reload) === undefined)
    throw new Error(`${file}: expected start, test or reload`);
  return stack;
}

/** The ways of a stack: its own one, then the others, each with the environment of both. */
export function waysOf(stack: Stack): Way[] {
  const { build, start, dev, env } = stack;
  const others = Object.values(stack.ways ?? {}).map((way) => ({ ...way, env: { ...env, ...way.env } }));
  return [{ build, start, dev, env }, ...others];
}

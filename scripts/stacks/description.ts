// The stack.json of a stack: what is installed, and which commands build and start its app.
import { readFileSync } from "node:fs";
import path from "node:path";

export interface Stack {
  /** Packages with their versions, which npm installs beside ours. */
  readonly install: readonly string[];
  /** Builds the app for production. */
  readonly build?: string | undefined;
  /** Starts what was built. It is run by a shell, so `exec` is added: the signal has to reach the program. */
  readonly start: string;
  /** Starts the app in development. */
  readonly dev?: string | undefined;
  /** Another command whose success is the test, in place of the requests: for a test runner. */
  readonly test?: string | undefined;
  /** The path of the requests, in place of `/work/`. The number of the request follows. */
  readonly request?: string | undefined;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** What the app needs of its own folder in production, if it is not the whole: all else is taken away before the start. */
  readonly deploy?: readonly string[] | undefined;
}

const names = ["install", "build", "start", "dev", "test", "request", "env", "deploy"];

/** Reads and checks the description in a folder. */
export function readStack(folder: string): Stack {
  const file = path.join(folder, "stack.json");
  const stack: Stack = JSON.parse(readFileSync(file, "utf8"));
  const unknown = Object.keys(stack).filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new Error(`${file}: ${unknown.join(", ")} is unknown; there are ${names.join(", ")}`);
  if (!Array.isArray(stack.install)) throw new Error(`${file}: expected install to be a list of packages`);
  if (stack.start === undefined && stack.test === undefined)
    throw new Error(`${file}: expected start or test to be a command`);
  return stack;
}

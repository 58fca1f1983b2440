// Puts an error together from its parts.
import { reflect } from "../reflect.js";

/** What an error is taken apart into. `cause` may be anything, also undefined, and is absent where there is none. */
export interface ErrorContents {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly cause?: unknown;
  readonly errors?: readonly unknown[] | undefined;
  readonly fields?: Readonly<Record<string, unknown>> | undefined;
}

// The place in this list is stored in journals: append, never reorder.
const classNames = [
  ...["Error", "EvalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError"],
  // From Node.js 24 on.
  "SuppressedError",
];
// By name, because a later version or another Node.js may have written a class that does not exist here.
const classes: readonly ErrorConstructor[] = classNames.map((name) => reflect.get(globalThis, name) ?? Error);

// A map, because an error may be called "constructor".
const numbers = new Map(classNames.map((name, index) => [name, index]));

/** The number of the built-in class with the name of an error. A class of the user's cannot be kept, its name is. */
export function classNumber(name: string): number {
  return numbers.get(name) ?? 0;
}

/** An error of a class, with an empty message and without anything else in it. */
export function emptyError(hasMembers: boolean, number: number): Error {
  const limit = Error.stackTraceLimit;
  // The stack is replaced. To collect it is three quarters of what making an error costs.
  reflect.set(Error, "stackTraceLimit", 0);
  try {
    return hasMembers ? new AggregateError([], "") : new (classes[number] ?? Error)("");
  } finally {
    reflect.set(Error, "stackTraceLimit", limit);
  }
}

/** Gives an error its parts, hidden among the fields as those of any error are. */
export function fillError(error: Error, contents: ErrorContents): void {
  const { name, message, stack, cause, errors, fields } = contents;
  if (error.name !== name) define(error, "name", name);
  setHidden(error, "message", message);
  setHidden(error, "stack", stack ?? `${name}: ${message}`);
  if ("cause" in contents) define(error, "cause", cause);
  if (errors !== undefined) define(error, "errors", errors);
  // The class of a SuppressedError has its own `error` and `suppressed` already, and hides them.
  for (const key in fields) define(error, key, fields[key], !Object.hasOwn(error, key));
}

/** Errors have these hidden. To set what is there takes a third of the time that a definition takes. */
function setHidden(error: Error, key: "message" | "stack", value: string): void {
  if (Object.hasOwn(error, key)) error[key] = value;
  else define(error, key, value);
}

function define(error: Error, key: string, value: unknown, enumerable = false): void {
  Object.defineProperty(error, key, { value, enumerable, configurable: true, writable: true });
}

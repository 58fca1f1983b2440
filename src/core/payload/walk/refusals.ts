// The words for a part of a payload that cannot arrive: where it is, what it is, what to do.
import { describe, isRevoked, OffloadError } from "../../../base/errors.js";

/** A client chooses how deep the JSON it sends is nested. Structured clone overflows the stack from 1,595 levels on
 * (measured on Node 20 to 26, from the main thread). */
export const maxDepth = 1_000;

const hints: Readonly<Record<string, string>> = {
  Headers: "pass Object.fromEntries(headers)",
  FormData: "pass its fields, and its files as bytes",
  Request: "pass what the task needs of it, such as its URL and its body as bytes",
  Response: "pass what the task needs of it, such as its status and its body as bytes",
  AbortSignal: "the task has a signal of its own, and the call takes one as an option",
  AbortController: "the task has a signal of its own, and the call takes one as an option",
  ReadableStream: "name it in transfer, or pass its contents",
  WritableStream: "name it in transfer",
  TransformStream: "name it in transfer",
  DOMException: "pass an Error, or its name and message",
};

export function notCloneable(message: string, cause?: unknown): OffloadError {
  return new OffloadError("AR_PAYLOAD_NOT_CLONEABLE", message, cause === undefined ? undefined : { cause });
}

/** For a function or a symbol. */
export function refuseValue(path: string, value: unknown): never {
  const kind = typeof value === "symbol" ? "a symbol" : "a function";
  throw notCloneable(`${path} is ${kind}, which cannot be copied to a thread`);
}

/** For an object that structured clone refuses. */
export function refuseObject(path: string, value: object, cause?: unknown): never {
  throw notCloneable(`${path} is ${describe(value)}, which cannot be copied to a thread`, cause);
}

/** For an instance of a class of the platform of which structured clone would make something else, often `{}`. */
export function refuseInstance(path: string, value: object, className: string): never {
  if (className === "Iterator") throw notCloneable(`${path} is an iterator, which cannot be copied to a thread`);
  const hint = hints[className] ?? "pass what the task needs of it as plain values";
  throw notCloneable(`${path} is ${describe(value)}, which does not arrive as it is; ${hint}`);
}

/**
 * The prototype of an object of a payload.
 *
 * @param where the path of the object, or what gives it
 * @throws OffloadError AR_PAYLOAD_NOT_CLONEABLE for a revoked proxy, and what a trap of another proxy throws
 */
export function prototypeOf(value: object, where: string | (() => string)): object | null {
  try {
    return Object.getPrototypeOf(value);
  } catch (error) {
    if (isRevoked(value)) refuseObject(typeof where === "string" ? where : where(), value, error);
    throw error;
  }
}

/** Whether it is the prototype of plain objects, of this realm or of another, such as a vm context. */
export function isRootPrototype(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "hasOwnProperty");
}

export function tooDeep(path: string): OffloadError {
  const where = path.length > 60 ? `${path.slice(0, 57)}...` : path;
  return notCloneable(`${where} is nested more than ${maxDepth} levels deep`);
}

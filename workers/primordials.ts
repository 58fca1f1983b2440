// What a thread needs to report the ends of its tasks, captured before any code of a task runs. A task may replace
// `Promise.prototype.then` or `MessagePort.prototype.postMessage`, and the tasks behind it still have to end.
import { types } from "node:util";
import { MessagePort } from "node:worker_threads";

const { apply } = Reflect;
const { isPromise } = types;
const { then } = Promise.prototype;
const { postMessage } = MessagePort.prototype;
const NativePromise = Promise;
const objectPrototype: object = Object.prototype;

export const exit: (code: number) => never = process.exit.bind(process);

/** Posts a message, whatever a task has made of the port's own method. */
export function post(port: MessagePort, message: unknown, transfer?: readonly object[]): void {
  apply(postMessage, port, transfer === undefined ? [message] : [message, transfer]);
}

/**
 * Whether a task has put `then` on the prototype of all objects. The promises of all async functions that return an object
 * would wait for it, so nothing more is begun in such a thread.
 */
export function isPoisoned(): boolean {
  return (objectPrototype as { then?: unknown }).then !== undefined;
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/**
 * Calls one of the two once, in a later microtask. Neither `await` nor `then()`: both look at what a task may have replaced,
 * `await` at the promise's `constructor`.
 *
 * @throws what the promise's own class throws: then neither is called
 */
export function whenSettled(
  outcome: PromiseLike<unknown>,
  fulfilled: (value: unknown) => void,
  rejected: (error: unknown) => void,
): void {
  const promise = isPromise(outcome) ? outcome : new NativePromise((resolve) => resolve(outcome));
  apply(then, promise, [fulfilled, rejected]);
}

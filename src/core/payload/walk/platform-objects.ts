// Objects of the platform that would arrive as `{}` without a word, or end the process: refused before anything clones them.
import { types } from "node:util";
import { MessagePort } from "node:worker_threads";
import { reflect } from "../reflect.js";
import { notCloneable, refuseObject } from "./refusals.js";

/** Their fields are hidden, so they look like an empty object. The others, such as console, are refused by their first function. */
const namespaces: readonly (readonly [value: unknown, name: string])[] = [
  "Math",
  "JSON",
  "Reflect",
  "Atomics",
  "Intl",
  // From Node.js 26 on.
  "Temporal",
].map((name) => [reflect.get(globalThis, name), name]);

/**
 * Refuses `Math` and its like.
 *
 * @param value an object without fields that can be seen
 */
export function refuseNamespace(value: object, where: string | (() => string)): void {
  for (const [namespace, name] of namespaces) {
    if (value !== namespace) continue;
    const path = typeof where === "string" ? where : where();
    throw notCloneable(`${path} is ${name}, which cannot be copied to a thread; a task has its own ${name}`);
  }
}

/**
 * Refuses a port that does not move. To clone one that is closed ends the process by SIGSEGV (Node.js 20 to 26), also where it
 * is only the cause of an error, and nothing tells whether it is closed.
 */
export function refusePort(value: object, where: () => string): void {
  if (isPort(value)) refuseObject(where(), value);
}

/** Also one that only has the prototype. */
export function isPort(value: object): boolean {
  return !types.isProxy(value) && value instanceof MessagePort;
}

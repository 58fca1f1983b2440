// Refuses what has a meaning in one process only, such as a port or shared memory, with its path in the payload.
import { types } from "node:util";
import { serialize } from "node:v8";
import { describe, OffloadError } from "../../base/errors.js";
import { isBytes, type PayloadBytes } from "../../core/payload/payload.js";
import { isPort } from "../../core/payload/walk/platform-objects.js";

/** @param unstorable where it is and what it is, such as "payload.port is an instance of MessagePort" */
function refusal(unstorable: string): OffloadError {
  return new OffloadError("AR_PAYLOAD_NOT_CLONEABLE", `${unstorable}, which a journal cannot hold`);
}

/** How messages call what is kept of a task. */
const labels = ["payload", "the dispatch options", "the context"];

/**
 * Refuses values that have no meaning in another process. What was captured as bytes is not looked into.
 *
 * @param values payload, dispatch options, context
 * @throws OffloadError AR_PAYLOAD_NOT_CLONEABLE with the path of the first thing that a journal cannot hold
 */
export function checkStorable(values: readonly unknown[]): void {
  let seen: Set<unknown> | undefined;
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (value === undefined || isBytes(value)) continue;
    seen ??= new Set();
    const unstorable = findUnstorable(value, labels[index] ?? "", seen);
    if (unstorable !== undefined) throw refusal(unstorable);
  }
}

/**
 * A value as V8 serializes it.
 *
 * @throws OffloadError AR_PAYLOAD_NOT_CLONEABLE
 */
export function serializeStorable(value: unknown): Uint8Array {
  try {
    return serialize(value);
  } catch {
    // Without V8's error as cause: its message shows the value.
    throw refusal("the payload holds a value");
  }
}

/**
 * Refuses a payload that refers to something outside of its bytes.
 *
 * @throws OffloadError AR_PAYLOAD_NOT_CLONEABLE with its path
 */
export function checkSelfContained({ aside, asidePaths, asideKinds }: PayloadBytes): void {
  if (aside === undefined || aside.length === 0) return;
  throw refusal(`${asidePaths?.[0] ?? "the payload"} is ${kindOf(aside[0], asideKinds?.[0])}`);
}

/** The path of the first such thing in a value, and what it is. */
function findUnstorable(value: unknown, path: string, seen: Set<unknown>): string | undefined {
  if (typeof value === "function") return `${path} is a function`;
  if (typeof value === "symbol") return `${path} is a symbol`;
  if (typeof value !== "object" || value === null || seen.has(value)) return undefined;
  seen.add(value);
  if (types.isSharedArrayBuffer(value)) return `${path} is ${kindOf(value)}`;
  if (ArrayBuffer.isView(value))
    return types.isSharedArrayBuffer(value.buffer) ? `${path} is ${kindOf(value)}` : undefined;
  if (types.isMap(value)) {
    for (const [key, item] of value) {
      const found = findUnstorable(key, `a key of ${path}`, seen) ?? findUnstorable(item, `a value of ${path}`, seen);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (types.isSet(value)) {
    for (const item of value) {
      const found = findUnstorable(item, `an item of ${path}`, seen);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  return isPlatformObject(value) ? `${path} is ${kindOf(value)}` : findInFields(value, path, seen);
}

function findInFields(value: object, path: string, seen: Set<unknown>): string | undefined {
  for (const key of Object.keys(value)) {
    const field: unknown = Reflect.get(value, key);
    if (typeof field !== "object" && typeof field !== "function" && typeof field !== "symbol") continue;
    const step = Array.isArray(value)
      ? `[${key}]`
      : /^[A-Za-z_$][\w$]*$/.test(key)
        ? `.${key}`
        : `[${JSON.stringify(key)}]`;
    const found = findUnstorable(field, path + step, seen);
    if (found !== undefined) return found;
  }
  return undefined;
}

function kindOf(value: unknown, kind: string = describe(value)): string {
  if (types.isSharedArrayBuffer(value)) return "a SharedArrayBuffer";
  if (ArrayBuffer.isView(value) && types.isSharedArrayBuffer(value.buffer)) return "a view of a SharedArrayBuffer";
  return kind;
}

/**
 * Whether it is one of Node's own objects (KeyObject, Blob, BlockList, MessagePort and so on). postMessage carries them by
 * other means than serialization: v8.serialize throws for some and, from Node 22 on, silently makes `{}` of others.
 */
function isPlatformObject(value: object): boolean {
  // To clone one that is closed ends the process.
  if (isPort(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null || Array.isArray(value)) return false;
  if (types.isDate(value) || types.isRegExp(value) || types.isArrayBuffer(value)) return false;
  if (types.isNativeError(value) || types.isBoxedPrimitive(value)) return false;
  try {
    // Structured clone makes a plain object of an instance of a user's class.
    return Object.getPrototypeOf(structuredClone(value)) !== Object.prototype;
  } catch {
    return true;
  }
}

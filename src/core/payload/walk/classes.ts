// What becomes of an instance, by its class: a plain object, itself, or a refusal. Found out once for each class.
import { types } from "node:util";
import { shared } from "../../../base/shared.js";
import { reflect } from "../reflect.js";
import { isPort } from "./platform-objects.js";
import { isRootPrototype } from "./refusals.js";

/**
 * `plain`: arrives as a plain object with its own enumerable fields. `aside`: structured clone carries it as itself.
 * Otherwise the name of the platform's class whose instances do not arrive as they are.
 */
export type Fate = { readonly kind: "plain" | "aside" } | { readonly kind: "refused"; readonly className: string };

/**
 * Called with the first instance of each class whose instances arrive as something else, without declaring it.
 *
 * @param arrivesAs what the instance arrives as: a plain object, or the built-in object that its class extends
 */
export type OnInstance = (type: unknown, path: string, arrivesAs: string) => void;

/** An instance may hold all of a payload, and be one of many that do. */
const mostLooked = 1_000;

const plainFate: Fate = { kind: "plain" };
const asideFate: Fate = { kind: "aside" };

// By prototype, because any object may have a field `constructor`.
const fates = new WeakMap<object, Fate>();
const reported = shared("reported-classes/1", () => new WeakSet<object>());

// The names only: reading globalThis.Headers would load undici. Later ones are the user's own.
const globalNames: ReadonlySet<string> = new Set(Object.getOwnPropertyNames(globalThis));

/** Structured clone carries these. Of every other class of the platform it makes `{}`, on some versions of Node.js at least. */
const carried: ReadonlySet<string> = new Set(["Blob", "File", "CryptoKey", "MessagePort"]);

/** Classes of the language: V8 carries or refuses their instances, and what only inherits from one is an ordinary object. */
const ofLanguage: ReadonlySet<string> = new Set([
  ...["Object", "Function", "Array", "Map", "Set", "Date", "RegExp", "Number", "String", "Boolean", "BigInt", "Symbol"],
  ...["Promise", "WeakMap", "WeakSet", "WeakRef", "FinalizationRegistry", "Iterator", "DisposableStack", "Proxy"],
  ...["AsyncDisposableStack", "ArrayBuffer", "SharedArrayBuffer", "DataView", "Error", "AggregateError"],
  ...["SuppressedError", "EvalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError"],
]);

/** What a subclass of these adds does not arrive. The name of each, by its prototype. */
const builtIns: ReadonlyMap<object, string> = new Map(
  [
    ...["Array", "Map", "Set", "Date", "RegExp", "Number", "String", "Boolean", "BigInt", "ArrayBuffer", "Buffer"],
    ...["SharedArrayBuffer", "DataView", "Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array"],
    ...["Int32Array", "Uint32Array", "Float16Array", "Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array"],
    ...["URL", "URLSearchParams"],
  ].flatMap((name): [object, string][] => {
    const type: unknown = reflect.get(globalThis, name);
    return typeof type === "function" ? [[type.prototype, name]] : [];
  }),
);

const iteratorPrototype: object = Object.getPrototypeOf(Object.getPrototypeOf([].values()));

/** Whether an instance can be written as a plain object, and nobody waits to hear of its class. */
export function isKnownPlain(prototype: object, mustBeReported: boolean): boolean {
  return fates.get(prototype) === plainFate && (!mustBeReported || reported.has(prototype));
}

/**
 * @throws what structured clone throws, which it is tried with: because of the class, or of what the instance holds
 */
export function fateOf(value: object, prototype: object): Fate {
  const known = fates.get(prototype);
  if (known !== undefined) return known;
  const className = globalClassOf(prototype);
  if (className !== undefined && !carried.has(className)) {
    return remember(prototype, { kind: "refused", className });
  }
  // Of some, such as those of URLSearchParams, structured clone makes `{}`.
  if (Object.prototype.isPrototypeOf.call(iteratorPrototype, prototype)) {
    return remember(prototype, { kind: "refused", className: "Iterator" });
  }
  // To try it would call the getters, once more than the walk does, or end the process. What is known to be of the user's has
  // plain fields alone. A proxy is refused by itself.
  if (className === undefined && !types.isProxy(value) && mustNotBeCloned(value)) return plainFate;
  const cloned: object = structuredClone(value);
  if (className === "File") return remember(prototype, asideFate);
  if (className !== undefined && !(cloned instanceof reflect.get(globalThis, className))) {
    // Perhaps of this object only, which has the prototype and nothing else of the class.
    return { kind: "refused", className };
  }
  return remember(prototype, Object.getPrototypeOf(cloned) === Object.prototype ? plainFate : asideFate);
}

/** For a class on which structured clone failed because of what its instance holds. */
export function rememberPlain(prototype: object): void {
  fates.set(prototype, plainFate);
}

/**
 * Tells of a class once in a process. A class with a static field `plainPayload = true` declares that its instances are
 * meant to arrive as plain objects; nobody hears of it.
 */
export function report(
  prototype: object,
  path: () => string,
  onInstance: OnInstance,
  arrivesAs: string = "plain object",
): void {
  if (reported.has(prototype)) return;
  reported.add(prototype);
  // A plain object of a vm context loses nothing.
  if (isRootPrototype(prototype)) return;
  const type: unknown = reflect.get(prototype, "constructor");
  if (typeof type === "function" && reflect.get(type, "plainPayload") === true) return;
  onInstance(type, path(), arrivesAs);
}

/** Tells, as {@link report} does, of a class that extends a built-in one. Classes of another realm are not known. */
export function reportSubclass(prototype: object, path: () => string, onInstance: OnInstance): void {
  if (builtIns.has(prototype)) return;
  for (let at: object | null = prototype; at !== null; at = Object.getPrototypeOf(at)) {
    const name = builtIns.get(at);
    if (name !== undefined) report(prototype, path, onInstance, name);
    if (name !== undefined) return;
  }
}

function remember(prototype: object, fate: Fate): Fate {
  fates.set(prototype, fate);
  return fate;
}

/**
 * Whether structured clone would call the user's code, which is a getter or a trap of a proxy, or might meet a closed port. A
 * value that holds very many objects is not looked through.
 */
function mustNotBeCloned(value: unknown): boolean {
  const looked = new Set<object>();
  const open: unknown[] = [value];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    if (typeof one !== "object" || one === null || looked.has(one) || ArrayBuffer.isView(one)) continue;
    if (types.isProxy(one) || isPort(one)) return true;
    if (looked.size === mostLooked) return true;
    looked.add(one);
    if (types.isMap(one)) for (const [key, item] of one) open.push(key ?? null, item ?? null);
    else if (types.isSet(one)) for (const item of one) open.push(item ?? null);
    const keys = Object.keys(one);
    // Structured clone reads the hidden cause of an error.
    if (types.isNativeError(one)) keys.push("cause");
    for (const key of keys) {
      const field = Object.getOwnPropertyDescriptor(one, key);
      if (field?.get !== undefined) return true;
      open.push(field?.value ?? null);
    }
  }
  return false;
}

/** The name of the nearest of the platform's classes that an object is an instance of. */
function globalClassOf(prototype: object): string | undefined {
  for (let at: object | null = prototype; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    const type: unknown = Object.getOwnPropertyDescriptor(at, "constructor")?.value;
    if (typeof type !== "function" || !globalNames.has(type.name) || ofLanguage.has(type.name)) continue;
    if (reflect.get(globalThis, type.name) !== type) continue;
    return type.name;
  }
  return undefined;
}

// Which payloads cannot arrive in a thread, as far as their types tell: the compiler refuses them, and names the culprit as
// the error at run time does. No code: types alone.
import type { KeyObject } from "node:crypto";
import type { URL, URLSearchParams } from "node:url";

/**
 * The type of the parameter `payload`: the task's declared type, or a sentence that says what cannot arrive. No value has
 * the sentence as its type, so the compiler's error quotes it.
 *
 * @typeParam Given the type of the argument. What a caller passes may have more to it than what the task declares: a class
 *   instance fits a plain interface
 */
export type Arrives<Given, Declared> =
  // `true` stands on the left because a generic `Given` then passes, in a function that is generic over its payload: for
  // `any` the answer is no, so the compiler rules the first branch out before it knows the type.
  true extends Refused<Given>
    ? // Never both: `Given` stands here for the compiler to infer it from the argument.
      [First<Culprit<Given, "payload">>] extends [infer Sentence extends string]
      ? Sentence
      : Given
    : Declared;

/** How deep types are looked into. Types can be recursive without end; what lies deeper is checked at run time. */
type Levels = 10;
type Less = [never, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

// biome-ignore lint/complexity/noBannedTypes: every function and class is meant, whatever it takes.
type AnyFunction = Function;

/** Fields under symbols are not copied, and private ones are unknown here. */
type Copied<Field> = Field & (string | number);

/** What is copied as it is, and what only moves, such as a port: whether `transfer` has it shows at run time. */
type Whole =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  // biome-ignore-start lint/complexity/noBannedTypes: boxed primitives are copied, too.
  | String
  | Number
  | (Boolean & NotOfTemporal)
  | BigInt
  // biome-ignore-end lint/complexity/noBannedTypes: see above.
  | Date
  | RegExp
  | ArrayBuffer
  | SharedArrayBuffer
  | ArrayBufferView
  | URL
  | URLSearchParams
  | KeyObject
  | BlobLike
  | PortLike
  | WebStreamLike;

/** What is copied with what is in it. A Map has all that a WeakMap has, so these are asked for first. */
type Container = ReadonlyMap<never, unknown> | ReadonlySet<unknown> | readonly unknown[];

/** A Boolean has nothing but `valueOf()`, and what that of Temporal's classes returns, `never`, fits it. */
interface NotOfTemporal {
  readonly [Symbol.toStringTag]?: never;
}

// By their shape, because Node.js and the browser declare types of their own for the same thing.
interface BlobLike {
  readonly size: number;
  readonly type: string;
  arrayBuffer(): PromiseLike<unknown>;
  slice(...args: never[]): unknown;
}
interface PortLike {
  postMessage(...args: never[]): void;
  start(): void;
  close(): void;
}
type WebStreamLike =
  | { readonly locked: boolean; getReader(...args: never[]): unknown }
  | { readonly locked: boolean; getWriter(): unknown }
  | { readonly readable: { readonly locked: boolean }; readonly writable: { readonly locked: boolean } };

/**
 * An error arrives with its fields, whatever methods its class has, and a field that cannot arrive is left out. `stack` tells
 * an error from an object that has a name and a message. A DOMException is refused before.
 */
type IsError<Type> = Type extends Error ? ("stack" extends keyof Type ? true : false) : false;

/** What is refused whole, and what a reader calls it; the first that fits counts. Other methods are named one by one. */
type Kinds = [
  [symbol, "a symbol"],
  [AnyFunction, "a function"],
  [PromiseLike<unknown>, "a promise"],
  [{ readonly httpVersion: string; pipe: AnyFunction }, "a request"],
  [{ setHeader: AnyFunction; pipe: AnyFunction }, "a response"],
  [{ readonly headers: object; readonly method: string; clone: AnyFunction; arrayBuffer: AnyFunction }, "a request"],
  [{ readonly headers: object; readonly status: number; clone: AnyFunction; arrayBuffer: AnyFunction }, "a response"],
  [{ readonly remoteAddress?: string; pipe: AnyFunction; setNoDelay: AnyFunction }, "a socket"],
  [{ pipe: AnyFunction; on: AnyFunction }, "a stream"],
  [{ readonly aborted: boolean; addEventListener: AnyFunction }, "an AbortSignal"],
  [{ readonly signal: { readonly aborted: boolean }; abort: AnyFunction }, "an AbortController"],
  [{ readonly port1: PortLike; readonly port2: PortLike }, "a MessageChannel"],
  [{ addEventListener: AnyFunction; dispatchEvent: AnyFunction }, "an EventTarget"],
  [{ preventDefault: AnyFunction; stopImmediatePropagation: AnyFunction }, "an Event"],
  [{ on: AnyFunction; emit: AnyFunction }, "an EventEmitter"],
  [{ readonly code: number; readonly DATA_CLONE_ERR: number }, "a DOMException"],
  [WeakMap<never, unknown>, "a WeakMap"],
  [WeakSet<never>, "a WeakSet"],
  [{ deref: AnyFunction }, "a WeakRef"],
  [{ append: AnyFunction; getSetCookie: AnyFunction }, "a Headers object"],
  [{ append: AnyFunction; getAll: AnyFunction }, "a FormData object"],
  [{ readonly encoding: string; encodeInto: AnyFunction }, "a TextEncoder"],
  [{ readonly encoding: string; readonly fatal: boolean; decode: AnyFunction }, "a TextDecoder"],
  [{ readonly subtle: object; getRandomValues: AnyFunction }, "a Crypto object"],
  [{ resolvedOptions: AnyFunction }, "an object of Intl"],
  [{ readonly [Symbol.toStringTag]: `Temporal.${string}` }, "an object of Temporal"],
  [{ next: AnyFunction; [Symbol.iterator]: AnyFunction }, "an iterator"],
  [{ next: AnyFunction; [Symbol.asyncIterator]: AnyFunction }, "an iterator"],
];
type RefusedWhole = Kinds[number][0];
type KindOf<Type, Rest = Kinds> = Rest extends [[infer Kind, infer Name extends string], ...infer Others]
  ? Type extends Kind
    ? Name
    : KindOf<Type, Others>
  : never;

/**
 * `any` and `unknown` pass: they are checked at run time. In brackets, so that the answer is `true`, too, for what the
 * compiler puts in the place of a generic type in {@link Arrives}; without them there would be none.
 */
type IsOpen<Type> = [0] extends [1 & Type] ? true : [unknown] extends [Type] ? true : false;

/**
 * `true` if a part of the type cannot arrive, else `never`. The compiler keeps the answer for each type, which it could not
 * if the path were part of the question: the path is looked for only once something is refused.
 */
type Refused<Type, Depth extends number = Levels> =
  IsOpen<Type> extends true ? never : Depth extends 0 ? never : RefusedPart<Type, Depth>;

type RefusedPart<Type, Depth extends number> = Type extends Whole
  ? never
  : Type extends ReadonlyMap<infer Key, infer Value>
    ? Refused<Key, Less[Depth]> | Refused<Value, Less[Depth]>
    : Type extends ReadonlySet<infer Item>
      ? Refused<Item, Less[Depth]>
      : Type extends readonly unknown[]
        ? Refused<Type[number], Less[Depth]>
        : Type extends RefusedWhole
          ? true
          : IsError<Type> extends true
            ? never
            : // Methods first: the fields of something that has any, such as a database connection, are nobody's business.
              [RefusedField<Type>] extends [never]
              ? [FieldWithRefused<Type, Depth>] extends [never]
                ? never
                : true
              : true;

/** The fields that are refused whole. Keys are filtered, not values: an index signature would hide the fields beside it. */
type RefusedField<Type> = keyof {
  [Field in keyof Type as IsOpen<Type[Field]> extends true
    ? never
    : [Extract<Exclude<Type[Field], Whole | Container>, RefusedWhole>] extends [never]
      ? never
      : Copied<Field>]: true;
};

/** The fields that are refused for something inside of them. */
type FieldWithRefused<Type, Depth extends number> = keyof {
  [Field in keyof Type as true extends Refused<Type[Field], Less[Depth]> ? Copied<Field> : never]: true;
};

/** The sentence about a refused part, for each member of a union. */
type Culprit<Type, Path extends string, Depth extends number = Levels> =
  true extends Refused<Type, Depth> ? CulpritPart<Type, Path, Depth> : never;

type CulpritPart<Type, Path extends string, Depth extends number> = Type extends Whole
  ? never
  : Type extends ReadonlyMap<infer Key, infer Value>
    ? Culprit<Key, `a key of ${Path}`, Less[Depth]> | Culprit<Value, `${Path}.get(...)`, Less[Depth]>
    : Type extends ReadonlySet<infer Item>
      ? Culprit<Item, `an item of ${Path}`, Less[Depth]>
      : Type extends readonly unknown[]
        ? Culprit<Type[number], `${Path}[...]`, Less[Depth]>
        : Type extends RefusedWhole
          ? `${Path} is ${KindOf<Type>}, which cannot be copied to a thread`
          : [RefusedField<Type>] extends [never]
            ? CulpritIn<Type, First<FieldWithRefused<Type, Depth> & keyof Type>, Path, Depth>
            : CulpritIn<Type, First<RefusedField<Type> & keyof Type>, Path, Depth>;

type CulpritIn<Type, Field, Path extends string, Depth extends number> =
  Field extends Copied<keyof Type> ? Culprit<Type[Field], `${Path}.${Field}`, Less[Depth]> : never;

/** One member of a union: a class with twenty methods is refused for one of them. */
type First<Union> = (Union extends unknown ? (member: () => Union) => void : never) extends (member: infer All) => void
  ? All extends () => infer One
    ? One
    : never
  : never;

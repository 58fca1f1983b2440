// Payloads as a property test draws them: every kind of value that structured clone takes, shared and circular at random.
import fc from "fast-check";

class Instance {
  [field: string]: unknown;
}

/** A value without parts that are objects. A view has a buffer of its own, as long as itself. */
const leaf: fc.Arbitrary<unknown> = fc.oneof(
  fc.string(),
  fc.double(),
  fc.integer(),
  fc.bigInt(),
  fc.constantFrom(undefined, null, true, false, -0, Number.NaN),
  fc.date({ noInvalidDate: false }),
  fc.constantFrom(/a(b)?/giu, /^\/$/m),
  fc.constantFrom(...[1, -0, "boxed", false, 2n].map((value) => Object(value) as unknown)),
  fc.constantFrom(new Error("plain"), new RangeError("of a subclass"), new TypeError("with a cause", { cause: [1] })),
  fc.uint8Array({ maxLength: 9 }),
  fc.float64Array({ maxLength: 4 }),
  fc.bigInt64Array({ maxLength: 4 }),
  fc.uint8ClampedArray({ maxLength: 4 }),
  fc.uint8Array({ maxLength: 9 }).map((bytes) => new DataView(bytes.slice().buffer)),
  fc.uint8Array({ maxLength: 9 }).map((bytes) => bytes.slice().buffer),
);

const key = fc.oneof(
  { arbitrary: fc.string(), weight: 3 },
  { arbitrary: fc.constantFrom("__proto__", "constructor", "toString", "length", "0", "-1", "a b"), weight: 1 },
);

const kinds = ["object", "null prototype", "instance", "array", "sparse", "array with fields", "map", "set"] as const;
type Kind = (typeof kinds)[number];

function empty(kind: Kind): object {
  switch (kind) {
    case "object":
      return {};
    case "null prototype":
      return Object.create(null);
    case "instance":
      return new Instance();
    case "map":
      return new Map();
    case "set":
      return new Set();
    default:
      return [];
  }
}

function put(holder: object, kind: Kind, at: string, value: unknown, holdKey: boolean): void {
  if (holder instanceof Map) holder.set(holdKey ? value : at, holdKey ? at : value);
  else if (holder instanceof Set) holder.add(value);
  else if (Array.isArray(holder) && !(kind === "array with fields" && holdKey)) {
    if (kind === "sparse") holder.length++;
    holder.push(value);
  } else Object.defineProperty(holder, at, { value, enumerable: true, configurable: true, writable: true });
}

/** Containers that hold leaves and one another, so that any may be shared, or hold itself by whatever way round. */
export const payload: fc.Arbitrary<unknown> = fc
  .array(
    fc.record({
      kind: fc.constantFrom(...kinds),
      parts: fc.array(fc.record({ at: key, leaf, other: fc.option(fc.nat(7)), holdKey: fc.boolean() }), {
        maxLength: 5,
      }),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((specs) => {
    const holders = specs.map(({ kind }) => empty(kind));
    for (const [index, { kind, parts }] of specs.entries()) {
      for (const part of parts) {
        const value = part.other === null ? part.leaf : holders[part.other % holders.length];
        // `length` is no free name in an array, and an index among the fields would be an item.
        const at = Array.isArray(holders[index]) ? `field ${part.at}` : part.at;
        put(holders[index] ?? {}, kind, at, value, part.holdKey);
      }
    }
    return holders[0];
  });

/** A SuppressedError, and before Node.js 24 what a polyfill of it makes. */
export function makeSuppressed(error: unknown, suppressed: unknown): Error {
  const Suppressed = Reflect.get(globalThis, "SuppressedError");
  if (typeof Suppressed === "function") return Reflect.construct(Suppressed, [error, suppressed, "both"]);
  const made = Object.defineProperty(new Error("both"), "name", { value: "SuppressedError" });
  return Object.assign(made, { error, suppressed });
}

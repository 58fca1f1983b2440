// Whether two values are the same graph: equal in every part, and shared and circular in the same places.
import { types } from "node:util";

/** The path of the first difference, or undefined where there is none. */
export function difference(a: unknown, b: unknown): string | undefined {
  return new Comparison().compare(a, b, "value");
}

class Comparison {
  // An object on one side stands for exactly one on the other, or what is shared there is not shared here.
  readonly #there = new Map<object, object>();
  readonly #back = new Map<object, object>();

  compare(a: unknown, b: unknown, path: string): string | undefined {
    if (typeof a !== "object" || a === null || typeof b !== "object" || b === null) {
      return Object.is(a, b) ? undefined : path;
    }
    if (this.#there.has(a) || this.#back.has(b)) {
      return this.#there.get(a) === b && this.#back.get(b) === a ? undefined : `${path} (shared differently)`;
    }
    this.#there.set(a, b);
    this.#back.set(b, a);
    if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return `${path} (prototype)`;
    return this.#contents(a, b, path) ?? this.#fields(a, b, path);
  }

  #contents(a: object, b: object, path: string): string | undefined {
    const [one, other] = [inside(a), inside(b)];
    if (one.length !== other.length) return `${path} (size)`;
    for (const [index, part] of one.entries()) {
      const found = this.compare(part, other[index], `${path}<${index}>`);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #fields(a: object, b: object, path: string): string | undefined {
    const [one, other] = [Reflect.ownKeys(a), Reflect.ownKeys(b)];
    if (one.length !== other.length) return `${path} (keys)`;
    for (const [index, key] of one.entries()) {
      const name = `${path}.${String(key)}`;
      if (other[index] !== key) return `${name} (key)`;
      // An error's own stack is a getter or a value, depending on the version of Node.js and on who made the error.
      if (key === "stack" && types.isNativeError(a) && types.isNativeError(b)) {
        if (a.stack !== b.stack) return name;
        continue;
      }
      const [mine, theirs] = [Reflect.getOwnPropertyDescriptor(a, key), Reflect.getOwnPropertyDescriptor(b, key)];
      const kinds = [mine?.get, mine?.enumerable, mine?.writable, mine?.configurable];
      const others = [theirs?.get, theirs?.enumerable, theirs?.writable, theirs?.configurable];
      if (kinds.some((kind, i) => kind !== others[i])) return `${name} (descriptor)`;
      const found = this.compare(mine?.value, theirs?.value, name);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** What an object holds beside its fields. */
function inside(value: object): readonly unknown[] {
  if (types.isMap(value)) return [...value].flat();
  if (types.isSet(value)) return [...value];
  if (types.isDate(value)) return [value.getTime()];
  if (types.isRegExp(value)) return [value.source, value.flags];
  if (types.isBoxedPrimitive(value)) return [value.valueOf()];
  if (types.isAnyArrayBuffer(value)) return [...new Uint8Array(value)];
  // The bytes it shows are its fields, except those of a DataView.
  if (types.isDataView(value)) return [...new Uint8Array(value.buffer, value.byteOffset, value.byteLength)];
  return [];
}

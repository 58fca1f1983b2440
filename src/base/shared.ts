// What the copies of the library in one process have together. There are several where an application is bundled and one of its
// packages is not, where two versions are installed, or where a framework evaluates modules anew.

/**
 * The one value of this name in the process. The copy that asks first makes it.
 *
 * @param name ends with the version of the contract between the copies: a change of what others see of the value raises it
 */
export function shared<Value>(name: string, make: () => Value): Value {
  const key = Symbol.for(`offload-after-response.${name}`);
  const places = globalThis as unknown as Record<symbol, { readonly value: Value } | undefined>;
  const known = places[key];
  if (known !== undefined) return known.value;
  const value = make();
  // Not enumerable: test runners report a global that somebody has added.
  Object.defineProperty(globalThis, key, { value: { value }, configurable: true, writable: true });
  return value;
}

/**
 * Lets `instanceof` hold for the instances of the same class in another copy. Subclasses have no part in it: without the first
 * line of the method every instance would be one of each of them.
 *
 * @returns the brand, a symbol under which each instance has a property
 */
export function brandClass(branded: { readonly prototype: object }, name: string): symbol {
  const brand = Symbol.for(`offload-after-response.${name}`);
  Object.defineProperty(branded.prototype, brand, { value: true });
  Object.defineProperty(branded, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      if (this !== branded) return Function.prototype[Symbol.hasInstance].call(this, value);
      return typeof value === "object" && value !== null && brand in value;
    },
  });
  return brand;
}

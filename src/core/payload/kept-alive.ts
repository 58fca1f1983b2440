// V8 throws away the code that it has optimised for a class when a full collection finds no instance of the class. The code on the
// way of every task would be compiled anew after each of them: a payload of 100 KB took 5 ms instead of 0.3. So one of each is kept.
import { reflect } from "./reflect.js";

const kept: Record<string, object> = {};

/** Keeps an instance for nobody to read. The one of the same class that was kept before goes. */
export function keepAlive(instance: object): void {
  // Bundlers leave out an assignment to what nobody reads.
  reflect.set(kept, instance.constructor.name, instance);
}

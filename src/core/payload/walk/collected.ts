// What a walk has found that does not go into the stream: large buffers, and objects that travel beside the bytes. A part that
// turns out not to be wanted can be forgotten with all that came with it.
import { describe } from "../../../base/errors.js";

export interface Mark {
  readonly parts: number;
  readonly aside: number;
}

export class Collected {
  /** The large buffers, each as the bytes that are wanted of it. */
  readonly parts: Uint8Array[] = [];
  /** What travels beside the bytes, and where in the payload each was met. */
  readonly aside: unknown[] = [];
  readonly asidePaths: string[] = [];
  /** What each was, in words. */
  readonly asideKinds: string[] = [];
  #numbers: Map<unknown, number> | undefined;

  get isEmpty(): boolean {
    return this.parts.length === 0 && this.aside.length === 0;
  }

  /** @returns the number by which the stream refers to it */
  addPart(bytes: Uint8Array): number {
    return this.parts.push(bytes) - 1;
  }

  /**
   * @param travelling what stands for the value on the way
   * @returns the number by which the stream refers to it
   */
  putAside(value: unknown, travelling: unknown, path: string): number {
    const number = this.aside.push(travelling) - 1;
    this.asidePaths.push(path);
    this.asideKinds.push(describe(value));
    this.#numbers ??= new Map();
    this.#numbers.set(value, number);
    return number;
  }

  /** The number of what has been put aside. */
  numberOf(value: unknown): number | undefined {
    return this.#numbers?.get(value);
  }

  mark(): Mark {
    return { parts: this.parts.length, aside: this.aside.length };
  }

  /** Forgets what came after a mark. */
  forget({ parts, aside }: Mark): void {
    this.parts.length = parts;
    for (const [item, number] of this.#numbers ?? []) if (number >= aside) this.#numbers?.delete(item);
    this.aside.length = aside;
    this.asidePaths.length = aside;
    this.asideKinds.length = aside;
  }
}

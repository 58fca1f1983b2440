// What a careful walk has made and found. A part that turns out not to be wanted can be forgotten with all that came with it.

export interface Mark {
  readonly objects: number;
  readonly aside: number;
  readonly buffers: number;
}

export class Collected {
  /** The large ArrayBuffers. */
  readonly buffers: ArrayBuffer[] = [];
  /** What travels beside the bytes, and where in the payload each was met. */
  readonly aside: unknown[] = [];
  readonly asidePaths: string[] = [];
  // An object that is met twice, or holds itself, is copied once.
  readonly #copies = new Map<object, unknown>();
  readonly #order: object[] = [];
  readonly #numbers = new Map<unknown, number>();

  copyOf(value: object): unknown {
    return this.#copies.get(value);
  }

  remember<Copy>(value: object, made: Copy): Copy {
    this.#copies.set(value, made);
    this.#order.push(value);
    return made;
  }

  /**
   * @param travelling what stands for the value on the way
   * @returns the number by which the stream refers to it
   */
  putAside(value: unknown, travelling: unknown, path: string): number {
    const number = this.aside.push(travelling) - 1;
    this.asidePaths.push(path);
    this.#numbers.set(value, number);
    return number;
  }

  /** The number of what has been put aside. */
  numberOf(value: unknown): number | undefined {
    return this.#numbers.get(value);
  }

  mark(): Mark {
    return { objects: this.#order.length, aside: this.aside.length, buffers: this.buffers.length };
  }

  /** Forgets what came after a mark. */
  forget({ objects, aside, buffers }: Mark): void {
    for (const object of this.#order.splice(objects)) this.#copies.delete(object);
    for (const [item, number] of this.#numbers) if (number >= aside) this.#numbers.delete(item);
    this.aside.length = aside;
    this.asidePaths.length = aside;
    this.buffers.length = buffers;
  }
}

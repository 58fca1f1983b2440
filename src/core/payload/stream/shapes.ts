// The lists of names that objects have. Most objects of a payload have one of a few, so each list is written once, and an
// object says the number of its list and then its values. Lists are kept from one payload to the next, as a tree of names.

/** Characters, names and written bytes that are kept, counted together; a client may choose new ones for each payload. */
const mostKept = 100_000;
const costOfName = 32;

let kept = 0;
let root: Shape | undefined;

/** The names from the root to this one. */
export class Shape {
  /** The walk that has used it last, and its number in the stream of that one. */
  walk = 0;
  number = 0;
  // The two that came last, because objects that lie side by side are alike, or each holds another.
  #nextName: string | undefined;
  #next: Shape | undefined;
  #beforeName: string | undefined;
  #before: Shape | undefined;
  #others: Map<string, Shape> | undefined;
  /** Of a list that an object had: its names, as a stream has them. */
  #written: Uint8Array | undefined;

  constructor(
    private readonly name: string,
    private readonly before: Shape | undefined,
  ) {}

  /** These names and one more. */
  with(name: string): Shape {
    if (this.#nextName === name && this.#next !== undefined) return this.#next;
    if (this.#beforeName === name && this.#before !== undefined) return this.#before;
    return this.#find(name);
  }

  names(): readonly string[] {
    const names: string[] = [];
    for (let at: Shape = this; at.before !== undefined; at = at.before) names.push(at.name);
    return names.reverse();
  }

  /** undefined until the list has been written once. */
  get written(): Uint8Array | undefined {
    return this.#written;
  }

  keepWritten(bytes: Uint8Array): void {
    this.#written = bytes;
    kept += bytes.length;
  }

  #find(name: string): Shape {
    if (this.#next !== undefined && this.#nextName !== undefined) {
      this.#others ??= new Map([[this.#nextName, this.#next]]);
    }
    let next = this.#others?.get(name);
    if (next === undefined) {
      next = new Shape(name, this);
      this.#others?.set(name, next);
      kept += name.length + costOfName;
    }
    this.#beforeName = this.#nextName;
    this.#before = this.#next;
    this.#nextName = name;
    this.#next = next;
    return next;
  }
}

/** The list without a name. */
export function rootShape(): Shape {
  root ??= new Shape("", undefined);
  return root;
}

/** Lets go of all lists when there are too many. */
export function trimShapes(): void {
  if (kept <= mostKept) return;
  root = undefined;
  kept = 0;
}

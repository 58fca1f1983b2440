// Makes the value of a stream again.
import type { PayloadBytes } from "../payload.js";
import { reflect } from "../reflect.js";
import { ByteReader } from "./byte-reader.js";
import { type ErrorContents, emptyError, fillError } from "./make-error.js";
import { partOf } from "./parts.js";
import { makeView, streamVersion, tags } from "./stream-format.js";
import { TextReader } from "./text-reader.js";

/** No value of a payload. */
const hole: unique symbol = Symbol("hole");
const end: unique symbol = Symbol("end");

export class StreamReader {
  readonly #in: ByteReader;
  readonly #texts: TextReader;
  readonly #objects: object[] = [];
  readonly #errors: Error[] = [];
  readonly #shapes: (readonly string[])[] = [];

  /** @throws RangeError for a stream of a later version */
  constructor(private readonly payload: PayloadBytes) {
    const reader = new ByteReader(payload.bytes, payload.lengths[0] ?? 0);
    this.#in = reader;
    const version = reader.byte();
    if (version !== streamVersion)
      throw new RangeError(`expected a payload of version ${streamVersion}, got ${version}`);
    const table = reader.uint32();
    const start = reader.at;
    reader.at = table;
    for (let left = reader.uint32(); left > 0; left--) {
      const names: string[] = [];
      for (let more = reader.uint32(); more > 0; more--) names.push(this.#text());
      this.#shapes.push(names);
    }
    this.#texts = new TextReader(reader);
    reader.at = start;
  }

  read(): unknown {
    const value = this.#value();
    // Errors met in the contents of another have theirs behind them.
    for (const error of this.#errors) fillError(error, this.#contents());
    return value;
  }

  #value(): unknown {
    const reader = this.#in;
    const tag = reader.byte();
    switch (tag) {
      case tags.shortString:
        return this.#texts.next(reader.byte());
      case tags.byte:
        return reader.byte();
      case tags.int32:
        return reader.int32();
      case tags.double:
        return reader.double();
      case tags.object:
        return this.#fields(this.#keep({}));
      case tags.array:
        return this.#array(reader.uint32());
      case tags.true:
        return true;
      case tags.false:
        return false;
      case tags.null:
        return null;
      case tags.undefined:
        return undefined;
      case tags.again:
        return this.#objects[reader.uint32()];
      case tags.longString:
        return reader.string(reader.uint32(), false);
      case tags.wideString:
        return reader.string(reader.uint32(), true);
      case tags.hole:
        return hole;
      case tags.end:
        return end;
      default:
        return this.#rare(tag);
    }
  }

  #rare(tag: number): unknown {
    const reader = this.#in;
    switch (tag) {
      case tags.bigint:
        return BigInt(this.#text());
      case tags.map:
        return this.#map();
      case tags.set:
        return this.#set();
      case tags.sparseArray:
        return this.#sparseArray(reader.uint32());
      case tags.date:
        return this.#keep(new Date(reader.double()));
      case tags.regExp:
        return this.#keep(new RegExp(this.#text(), this.#text()));
      case tags.boxed:
        return this.#keep(Object(this.#value()));
      case tags.arrayBuffer:
        return this.#keep(this.#buffer(reader.double(), reader.double()));
      case tags.largeArrayBuffer:
        return this.#keep(partOf(this.payload, reader.uint32()));
      case tags.largeString:
        return Buffer.from(partOf(this.payload, reader.uint32())).toString("latin1");
      case tags.largeWideString:
        return Buffer.from(partOf(this.payload, reader.uint32())).toString("utf16le");
      case tags.view: {
        const number = reader.byte();
        const bytes = reader.bytes(reader.uint32());
        return this.#keep(makeView(number, bytes, 0, bytes.byteLength));
      }
      case tags.largeView: {
        const number = reader.byte();
        const part = partOf(this.payload, reader.uint32());
        return this.#keep(makeView(number, part, 0, part.byteLength));
      }
      case tags.viewOnAside: {
        const number = reader.byte();
        const buffer = this.#aside() as ArrayBufferLike;
        return this.#keep(makeView(number, buffer, reader.double(), reader.double()));
      }
      case tags.aside:
        return this.#keep(this.#aside());
      case tags.error:
      case tags.aggregateError: {
        const error = emptyError(tag === tags.aggregateError, reader.byte());
        this.#errors.push(error);
        return this.#keep(error);
      }
      case tags.url:
        return this.#keep(new URL(this.#text()));
      case tags.urlSearchParams:
        return this.#keep(new URLSearchParams(this.#text()));
      case tags.file: {
        const blob = this.#aside() as Blob;
        const name = this.#text();
        return this.#keep(new File([blob], name, { type: blob.type, lastModified: reader.double() }));
      }
      default:
        throw new Error(`a payload with a part of kind ${tag}, which this version does not know`);
    }
  }

  /** Objects are counted in the order in which they begin. */
  #keep<Kept extends object>(object: Kept): Kept {
    this.#objects.push(object);
    return object;
  }

  #fields(object: object): object {
    const names = this.#shapes[this.#in.uint32()] ?? [];
    for (const name of names) {
      const value = this.#value();
      // Assigning `__proto__` would set the prototype.
      if (name === "__proto__") {
        Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
      } else (object as Record<string, unknown>)[name] = value;
    }
    return object;
  }

  #array(length: number): unknown[] {
    const made: unknown[] = [];
    this.#objects.push(made);
    for (let index = 0; index < length; index++) {
      const item = this.#value();
      if (item === hole) made.length++;
      else made.push(item);
    }
    if (this.#in.byte() === 1) this.#fields(made);
    return made;
  }

  #sparseArray(length: number): unknown[] {
    const made: unknown[] = [];
    this.#objects.push(made);
    for (let left = this.#in.uint32(); left > 0; left--) made[this.#in.uint32()] = this.#value();
    made.length = length;
    if (this.#in.byte() === 1) this.#fields(made);
    return made;
  }

  #map(): Map<unknown, unknown> {
    const made = this.#keep(new Map<unknown, unknown>());
    for (let key = this.#value(); key !== end; key = this.#value()) made.set(key, this.#value());
    return made;
  }

  #set(): Set<unknown> {
    const made = this.#keep(new Set<unknown>());
    for (let item = this.#value(); item !== end; item = this.#value()) made.add(item);
    return made;
  }

  #buffer(length: number, most: number): ArrayBuffer {
    const bytes = this.#in.bytes(length);
    if (most < 0) return bytes;
    const made: ArrayBuffer = reflect.construct(ArrayBuffer, [length, { maxByteLength: most }]);
    new Uint8Array(made).set(new Uint8Array(bytes));
    return made;
  }

  #aside(): object {
    const item: unknown = this.payload.aside?.[this.#in.uint32()];
    if (typeof item !== "object" || item === null) throw new Error("a payload without what travels beside it");
    return item;
  }

  #text(): string {
    return String(this.#value());
  }

  #contents(): ErrorContents {
    const [name, message, stack, cause] = [this.#text(), this.#text(), this.#value(), this.#value()];
    const count = this.#value();
    const errors = typeof count === "number" ? Array.from({ length: count }, () => this.#value()) : undefined;
    const fields: [string, unknown][] = [];
    for (let key = this.#value(); key !== end; key = this.#value()) fields.push([String(key), this.#value()]);
    return {
      name,
      message,
      stack: typeof stack === "string" ? stack : undefined,
      // Undefined where there is none, a hole where it is undefined.
      ...(cause !== undefined && { cause: cause === hole ? undefined : cause }),
      errors,
      fields: Object.fromEntries(fields),
    };
  }
}

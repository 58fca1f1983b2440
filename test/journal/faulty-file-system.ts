// A file system of which any call can be made to fail, as a full or a broken disk would.
import { type FileSystem, nodeFileSystem } from "../../src/journal/files/file-system.js";

export type Call = keyof FileSystem;

export interface Fault {
  /** The `code` of the error. */
  readonly code: string;
  /** How many calls fail; default: all until `heal()`. */
  readonly times?: number;
  /** Only calls with these arguments. */
  readonly when?: (...args: readonly unknown[]) => boolean;
}

export class FaultyFileSystem {
  readonly #faults = new Map<Call, { fault: Fault; left: number }>();
  #shortWrites = 0;
  #written = 0;
  /** How often each call was made. */
  readonly counts = new Map<Call, number>();

  readonly fs: FileSystem = this.#wrap();

  fail(call: Call, fault: Fault): void {
    this.#faults.set(call, { fault, left: fault.times ?? Number.POSITIVE_INFINITY });
  }

  /** The next `times` writes write `bytes` bytes only. */
  shorten(bytes: number, times = 1): void {
    this.#shortWrites = times;
    this.#written = bytes;
  }

  heal(): void {
    this.#faults.clear();
    this.#shortWrites = 0;
  }

  #wrap(): FileSystem {
    const wrapped: Record<string, unknown> = {};
    for (const [name, real] of Object.entries(nodeFileSystem)) {
      wrapped[name] = (...args: unknown[]) => this.#call(name as Call, real as (...args: unknown[]) => unknown, args);
    }
    return wrapped as unknown as FileSystem;
  }

  #call(name: Call, real: (...args: unknown[]) => unknown, args: unknown[]): unknown {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    const failing = this.#faults.get(name);
    if (failing !== undefined && failing.left > 0 && (failing.fault.when?.(...args) ?? true)) {
      failing.left--;
      const error = Object.assign(new Error(`${failing.fault.code}: injected`), { code: failing.fault.code });
      const callback = args.at(-1);
      if (name !== "sync" || typeof callback !== "function") throw error;
      setImmediate(() => callback(error));
      return undefined;
    }
    if (name === "write" && this.#shortWrites > 0) {
      this.#shortWrites--;
      return real(args[0], args[1], args[2], Math.min(this.#written, Number(args[3])));
    }
    return real(...args);
  }
}

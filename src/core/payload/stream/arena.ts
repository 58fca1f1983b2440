// Shared memory for large payloads, used again and again. Freshly mapped memory costs a page fault for each 4 KiB when it is
// first written: 5,490 faults for a buffer of 10 MB against none in memory that has been used before. What lies in shared
// memory crosses to a thread without a copy, and stays here for a further attempt.
import { backgroundClock, type Clock } from "../../../base/time.js";

const smallest = 65_536;
/** Sizes within a power of two, so that a region is at most a quarter larger than what lies in it. */
const steps = 4;
const defaultMaxFree = 256 * 1024 * 1024;
const defaultIdleMs = 10_000;

export interface ArenaOptions {
  /** Bytes of free regions kept for reuse. A larger region is made for one payload. Default 256 MiB: four payloads of 50 MB under way. */
  readonly maxFree?: number;
  /** ms after which a free region is dropped. Default 10 s. */
  readonly idleMs?: number;
  readonly clock?: Clock;
}

/** Memory that one payload holds until it gives it back. */
export interface Region {
  readonly buffer: SharedArrayBuffer;
  /** May be called once. */
  free(): void;
}

interface FreeRegion {
  readonly buffer: SharedArrayBuffer;
  readonly since: number;
}

export class Arena {
  // The longest free first.
  #free: FreeRegion[] = [];
  #freeBytes = 0;
  #dropping = false;
  readonly #maxFree: number;
  readonly #idleMs: number;
  readonly #clock: Clock;

  constructor({ maxFree = defaultMaxFree, idleMs = defaultIdleMs, clock = backgroundClock }: ArenaOptions = {}) {
    this.#maxFree = maxFree;
    this.#idleMs = idleMs;
    this.#clock = clock;
  }

  /** Bytes of the regions that wait to be used again. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** Memory of at least `bytes`; what lay there before is still in it. */
  take(bytes: number): Region {
    const size = sizeClass(bytes);
    const buffer = this.#reuse(size) ?? new SharedArrayBuffer(size);
    return { buffer, free: () => this.#keep(buffer) };
  }

  /** The region freed last of those that fit and are at most twice as large: its pages are the warmest. */
  #reuse(size: number): SharedArrayBuffer | undefined {
    for (let index = this.#free.length - 1; index >= 0; index--) {
      const buffer = this.#free[index]?.buffer;
      if (buffer === undefined || buffer.byteLength < size || buffer.byteLength > 2 * size) continue;
      this.#free.splice(index, 1);
      this.#freeBytes -= buffer.byteLength;
      return buffer;
    }
    return undefined;
  }

  #keep(buffer: SharedArrayBuffer): void {
    if (buffer.byteLength > this.#maxFree) return;
    this.#free.push({ buffer, since: this.#clock.now() });
    this.#freeBytes += buffer.byteLength;
    while (this.#freeBytes > this.#maxFree) this.#dropOldest();
    if (!this.#dropping) this.#dropLater(this.#idleMs);
  }

  #dropLater(ms: number): void {
    this.#dropping = true;
    this.#clock.after(ms, () => {
      this.#dropping = false;
      const now = this.#clock.now();
      while (this.#free[0] !== undefined && now - this.#free[0].since >= this.#idleMs) this.#dropOldest();
      const [oldest] = this.#free;
      if (oldest !== undefined) this.#dropLater(oldest.since + this.#idleMs - now);
    });
  }

  #dropOldest(): void {
    this.#freeBytes -= this.#free.shift()?.buffer.byteLength ?? 0;
  }
}

/** The next of the sizes 64, 80, 96, 112, 128, 160 KiB and so on. */
export function sizeClass(bytes: number): number {
  if (bytes <= smallest) return smallest;
  const power = 2 ** Math.floor(Math.log2(bytes - 1));
  const step = power / steps;
  return Math.ceil(bytes / step) * step;
}

/** The arena of this thread. */
export const arena: Arena = new Arena();

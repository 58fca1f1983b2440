// Chaos for a while: tasks that succeed, throw, hang, exit, exhaust memory, are cancelled, replaced, time out, in any
// order, and then the account. Every task that was accepted has reached exactly one final state, the one it had to reach.
import { createOffloader, type DispatchOptions, OffloadError, type TaskHandle } from "offload-after-response";

export interface ChaosOptions {
  /** The same seed makes the same calls; what the threads make of them also depends on the machine. */
  readonly seed: number;
  readonly durationMs: number;
  /** Tasks that one thread runs at a time. */
  readonly concurrency: number;
}

export interface ChaosReport {
  readonly seed: number;
  readonly accepted: number;
  readonly refused: number;
  /** How the tasks ended, by what they were to do. */
  readonly ends: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly threadsEnded: Readonly<Record<string, number>>;
  readonly resultsLost: number;
  /** The longest time that the main thread did not turn, in ms. */
  readonly longestTurnMs: number;
  readonly durationMs: number;
  /** What must not be: one sentence each. */
  readonly violations: readonly string[];
}

type Code = string | undefined;

/** What a kind of task does, how often it is chosen, and how it may end when nobody cancels or replaces it. */
interface Kind {
  readonly weight: number;
  /** Always these options. */
  readonly options?: DispatchOptions;
  /** What it returns, under `value`, when it succeeds. */
  readonly returns?: boolean;
  readonly may: readonly Code[];
}

// `undefined` is success. A task that does nothing wrong must never fail, whoever dies around it.
const success: readonly Code[] = [undefined];
const kinds: Readonly<Record<string, Kind>> = {
  returns: { weight: 3_000, returns: true, may: success },
  returnsLater: { weight: 60, returns: true, may: success },
  returnsNothing: { weight: 1_000, may: success },
  computes: { weight: 40, returns: true, may: success },
  talks: { weight: 10, returns: true, may: success },
  litters: { weight: 10, returns: true, may: success },
  recovers: { weight: 20, returns: true, options: { attempts: 3, backoff: 5 }, may: success },
  returnsFunction: { weight: 10, may: success },
  // A buffer that has moved to a thread is lost when that dies before the task has begun.
  sums: { weight: 20, returns: true, may: [undefined, "AR_THREAD_EXITED", "AR_OUT_OF_MEMORY"] },
  // Where several run on a thread, one that is terminated may take the error of another along.
  throws: { weight: 30, may: ["E_CHAOS", "AR_THREAD_EXITED"] },
  throwsNull: { weight: 10, may: ["AR_NOT_AN_ERROR", "AR_THREAD_EXITED"] },
  givesUp: { weight: 10, options: { attempts: 3 }, may: ["NonRetryableError", "AR_THREAD_EXITED"] },
  hangs: { weight: 4, options: { timeout: 40 }, may: ["AR_TIMEOUT"] },
  listens: { weight: 10, options: { timeout: 40 }, may: ["AR_TIMEOUT"] },
  looks: { weight: 4, options: { timeout: 40 }, may: ["AR_TIMEOUT"] },
  spins: { weight: 3, options: { timeout: 40 }, may: ["AR_TIMEOUT"] },
  exits: { weight: 6, may: ["AR_THREAD_EXITED"] },
  exitsLater: { weight: 4, may: ["AR_THREAD_EXITED"] },
  crashes: { weight: 4, may: ["AR_THREAD_EXITED"] },
  fillsMemory: { weight: 1, may: ["AR_OUT_OF_MEMORY"] },
};

interface Accepted {
  readonly kind: string;
  readonly handle: TaskHandle;
  readonly value: number;
  readonly finals: string[];
  /** Somebody has asked for its end: then it may be cancelled. */
  mayBeCancelled: boolean;
  error?: unknown;
}

export async function runChaos({ seed, durationMs, concurrency }: ChaosOptions): Promise<ChaosReport> {
  const offloader = createOffloader({
    tasks: new URL("../../fixtures/chaos.mjs", import.meta.url),
    logger: false,
    queue: { max: 400 },
    pool: {
      minThreads: 1,
      maxThreads: 3,
      concurrentTasksPerThread: concurrency,
      idleTimeout: 200,
      maxTasksPerThread: 500,
      abortGrace: 40,
      resourceLimits: { maxOldGenerationSizeMb: 48 },
    },
  });
  const accepted = new Map<string, Accepted>();
  const early = new Map<string, string[]>();
  const threadsEnded: Record<string, number> = {};
  const violations: string[] = [];
  for (const event of ["succeeded", "failed", "cancelled", "skipped", "abandoned"] as const) {
    offloader.on(event, ({ id, error }) => {
      const task = accepted.get(id);
      // A task whose signal has aborted already ends within its call.
      if (task === undefined) early.set(id, [...(early.get(id) ?? []), event]);
      else {
        task.finals.push(event);
        task.error = error;
      }
    });
  }
  offloader.on("threadEnded", ({ reason }) => {
    threadsEnded[reason] = (threadsEnded[reason] ?? 0) + 1;
  });
  await offloader.ready();

  const random = mulberry32(seed);
  const results: Promise<void>[] = [];
  const latest = new Map<string, Accepted>();
  let refused = 0;
  let resultsLost = 0;
  let serial = 0;
  const turns = new Turns();
  const startedAt = performance.now();

  while (performance.now() - startedAt < durationMs) {
    for (let burst = pick(random, [1, 1, 5, 20, 60]); burst > 0; burst--) if (!dispatch()) break;
    if (random() < 0.2) await new Promise((resolve) => setTimeout(resolve, random() * 20));
    else await new Promise((resolve) => setImmediate(resolve));
  }
  const unheard = setTimeout(() => violations.push("idle() did not resolve within 60 s"), 60_000);
  await Promise.race([
    offloader.idle(),
    new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        if (violations.length === 0) return;
        clearInterval(timer);
        resolve();
      }, 100);
      timer.unref();
    }),
  ]);
  clearTimeout(unheard);
  const longestTurnMs = turns.stop();
  const stats = offloader.stats();
  await offloader.close({ timeout: 1_000 });
  await Promise.all(results);

  const ends: Record<string, Record<string, number>> = {};
  for (const task of accepted.values()) account(task);
  if (stats.unfinished !== 0) violations.push(`${stats.unfinished} tasks are unfinished, says stats()`);
  const sum = stats.succeeded + stats.failed + stats.cancelled;
  if (sum !== accepted.size) violations.push(`${accepted.size} tasks were accepted, ${sum} have ended, says stats()`);
  return {
    seed,
    accepted: accepted.size,
    refused,
    ends,
    threadsEnded,
    resultsLost,
    longestTurnMs,
    durationMs: performance.now() - startedAt,
    violations,
  };

  /** Returns false when the queue is full. */
  function dispatch(): boolean {
    const kind = chooseKind(random);
    const value = serial++;
    const key = random() < 0.05 ? `key ${Math.floor(random() * 5)}` : undefined;
    const controller = random() < 0.05 ? new AbortController() : undefined;
    if (controller && random() < 0.1) controller.abort();
    const buffer = kind === "sums" ? new Uint8Array([value & 255, 1]).buffer : undefined;
    const payload = buffer ?? { value: value & 255, ms: random() * 8, lines: 20, attempts: 3 };
    const options: DispatchOptions = {
      priority: pick(random, ["high", "normal", "normal", "low"] as const),
      attempts: random() < 0.1 ? 2 : 1,
      backoff: Math.floor(random() * 10),
      ...kinds[kind]?.options,
      ...(key && { key, onDuplicate: pick(random, ["skip", "replace"] as const) }),
      ...(controller && { signal: controller.signal }),
      ...(buffer && { transfer: [buffer] }),
    };
    let handle: TaskHandle;
    try {
      handle = offloader.offload(kind, payload, options);
    } catch (error) {
      refused++;
      const isFull = error instanceof OffloadError && error.code === "AR_QUEUE_FULL";
      if (!isFull) violations.push(`a call of ${kind} was refused: ${String(error)}`);
      return false;
    }
    if (accepted.has(handle.id)) return true;
    const expected = buffer ? (value & 255) + 1 : value & 255;
    const task: Accepted = {
      kind,
      handle,
      value: expected,
      finals: early.get(handle.id) ?? [],
      mayBeCancelled: controller?.signal.aborted === true,
    };
    early.delete(handle.id);
    accepted.set(handle.id, task);
    if (key !== undefined) {
      // The one before may have been replaced.
      const before = latest.get(`${kind} ${key}`);
      if (before) before.mayBeCancelled = true;
      latest.set(`${kind} ${key}`, task);
    }
    if (random() < 0.3) results.push(checkResult(task));
    const later = random();
    if (later < 0.05) cancelSoon(task, () => void handle.cancel("chaos"));
    else if (controller) cancelSoon(task, () => controller.abort());
    return true;
  }

  function cancelSoon(task: Accepted, cancel: () => void): void {
    task.mayBeCancelled = true;
    if (random() < 0.3) cancel();
    else setTimeout(cancel, random() * 30);
  }

  async function checkResult({ kind, handle, value }: Accepted): Promise<void> {
    try {
      const result = await handle.result();
      if (kinds[kind]?.returns !== true) return;
      const arrived: unknown = Reflect.get(Object(result), "value");
      if (arrived !== value) violations.push(`${kind} (${handle.id}) returned ${value}, ${String(arrived)} arrived`);
    } catch (error) {
      if (codeOf(error) === "AR_RESULT_NOT_KEPT") resultsLost++;
      else if (handle.state === "succeeded" && codeOf(error) !== "AR_RESULT_NOT_CLONEABLE")
        violations.push(`${kind} (${handle.id}) succeeded, and its result is ${String(error)}`);
    }
  }

  function account({ kind, handle, finals, error, mayBeCancelled }: Accepted): void {
    const who = `${kind} (${handle.id})`;
    if (finals.length !== 1) violations.push(`${who} has ${finals.length} final events: ${finals.join(", ")}`);
    if (finals[0] !== handle.state) violations.push(`${who} is ${handle.state}, its event was ${finals[0]}`);
    const code = handle.state === "failed" ? codeOf(error) : undefined;
    const end = handle.state === "failed" ? `failed ${code}` : handle.state;
    const counts = ends[kind] ?? {};
    counts[end] = (counts[end] ?? 0) + 1;
    ends[kind] = counts;
    if (handle.state === "cancelled" && mayBeCancelled) return;
    const may = kinds[kind]?.may ?? [];
    const fits = (handle.state === "succeeded" || handle.state === "failed") && may.includes(code);
    if (!fits) violations.push(`${who} ended ${end}: ${String(error)}`);
  }
}

/** Measures how long the main thread does not turn. */
class Turns {
  #last = performance.now();
  #longest = 0;
  readonly #timer = setInterval(() => {
    const now = performance.now();
    this.#longest = Math.max(this.#longest, now - this.#last - 5);
    this.#last = now;
  }, 5);

  stop(): number {
    clearInterval(this.#timer);
    return Math.round(this.#longest);
  }
}

function codeOf(error: unknown): Code {
  if (!(error instanceof Error)) return String(error);
  const code: unknown = Reflect.get(error, "code");
  return typeof code === "string" ? code : error.name;
}

const totalWeight = Object.values(kinds).reduce((sum, { weight }) => sum + weight, 0);

function chooseKind(random: () => number): string {
  let left = random() * totalWeight;
  for (const [name, { weight }] of Object.entries(kinds)) {
    left -= weight;
    if (left < 0) return name;
  }
  return "returns";
}

function pick<Item>(random: () => number, items: readonly [Item, ...Item[]]): Item {
  return items[Math.floor(random() * items.length)] ?? items[0];
}

/** Numbers from 0 to 1 that a seed decides: mulberry32. */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

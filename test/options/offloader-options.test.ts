// Every rule of createOffloader's options, and the values that fill what was left out.
import { availableParallelism } from "node:os";
import { describe, expect, it } from "vitest";
import { silentLogger } from "../../src/base/logger.js";
import { memoryLimit } from "../../src/intake/memory.js";
import { type OffloaderOptions, resolveOptions } from "../../src/options.js";
import { recordingLogger } from "../support/tasks.js";
import { refusal } from "./refusal.js";

const tasks = new URL("file:///app/tasks.js");
const module = 'the path or URL of the tasks module, as "./workers/tasks.js"';
const ms = "a number of milliseconds from 0 to 2147483647";
const loggerWords = "an object with the methods info, warn and error, or false";
const backoffWords = "a number of milliseconds, { type, delay, maxDelay, jitter } or a function";
const noop = (): void => {};

/** Options that a JavaScript program may pass, whatever the types say. */
function resolve(options: unknown): ReturnType<typeof resolveOptions> {
  return resolveOptions(options as OffloaderOptions);
}

const engine = { name: "any", module: "file:///any.mjs", options: {}, limits: { maxBytes: 1, replace: false } };

describe("createOffloader refuses", () => {
  it.each<[options: unknown, message: string | RegExp]>([
    [undefined, "expected options to be an object, got undefined"],
    [null, "expected options to be an object, got null"],
    ["./tasks.js", 'expected options to be an object, got "./tasks.js"'],
    [[], "expected options to be an object, got an array"],
    [{}, `expected tasks to be ${module}, got undefined`],
    [{ tasks: "" }, `expected tasks to be ${module}, got ""`],
    [{ tasks: 7 }, `expected tasks to be ${module}, got 7`],
    [{ tasks, task: tasks }, "unknown option task (did you mean tasks?)"],
    [{ tasks, polices: {} }, "unknown option polices (did you mean policies?)"],
    [{ tasks, Pool: {} }, "unknown option Pool (did you mean pool?)"],
    [{ tasks, toString: 1 }, /^unknown option toString \(known options: tasks, name, pool, .*\)$/],
    [JSON.parse('{ "__proto__": {} }'), /^unknown option __proto__ \(known options: /],
    [{ tasks, name: "" }, 'expected name to be a non-empty string, got ""'],
    [{ tasks, engine: "bullmq" }, /^expected engine to be what the function of an engine returns, .*, got "bullmq"$/],
    [{ tasks, engine: { name: "mine" } }, /^expected engine to be what the function of an engine returns/],
    [{ tasks, engine, role: "web" }, 'expected role to be one of "both", "dispatch", "work", got "web"'],
    [{ tasks, role: "work" }, 'expected engine to be given, as role is "work", got undefined'],
    [{ tasks, policies: { resize: { engine: "no" } } }, 'expected policies.resize.engine to be a boolean, got "no"'],
    [{ tasks, pool: 4 }, "expected pool to be an object, got 4"],
    [{ tasks, pool: null }, "expected pool to be an object, got null"],
    [{ tasks, pool: { maxThread: 4 } }, "unknown option pool.maxThread (did you mean maxThreads?)"],
    [{ tasks, pool: { size: 4 } }, /^unknown option pool\.size \(known options: minThreads, .*\)$/],
    [{ tasks, pool: { minThreads: -1 } }, "expected pool.minThreads to be an integer of 0 or more, got -1"],
    [{ tasks, pool: { minThreads: "2" } }, 'expected pool.minThreads to be an integer of 0 or more, got "2"'],
    [{ tasks, pool: { maxThreads: 0 } }, "expected pool.maxThreads to be a positive integer, got 0"],
    [{ tasks, pool: { maxThreads: 1.5 } }, "expected pool.maxThreads to be a positive integer, got 1.5"],
    [{ tasks, pool: { maxThreads: Number.NaN } }, "expected pool.maxThreads to be a positive integer, got NaN"],
    [{ tasks, pool: { maxThreads: Infinity } }, "expected pool.maxThreads to be a positive integer, got Infinity"],
    [
      { tasks, pool: { minThreads: 3, maxThreads: 2 } },
      "expected pool.minThreads to be at most pool.maxThreads (2), got 3",
    ],
    [{ tasks, pool: { idleTimeout: -1 } }, `expected pool.idleTimeout to be ${ms} or Infinity, got -1`],
    [{ tasks, pool: { idleTimeout: 2 ** 31 } }, `expected pool.idleTimeout to be ${ms} or Infinity, got 2147483648`],
    [
      { tasks, pool: { concurrentTasksPerThread: 1_001 } },
      "expected pool.concurrentTasksPerThread to be an integer from 1 to 1000, got 1001",
    ],
    [
      { tasks, pool: { maxTasksPerThread: 0 } },
      "expected pool.maxTasksPerThread to be a positive integer or Infinity, got 0",
    ],
    [
      { tasks, pool: { maxThreadMemory: 1.5 } },
      "expected pool.maxThreadMemory to be a positive integer or Infinity, got 1.5",
    ],
    [{ tasks, pool: { priority: 20 } }, "expected pool.priority to be an integer from 0 to 19, got 20"],
    [{ tasks, pool: { priority: -5 } }, "expected pool.priority to be an integer from 0 to 19, got -5"],
    [{ tasks, pool: { watch: "src" } }, 'expected pool.watch to be a boolean, got "src"'],
    [{ tasks, pool: { abortGrace: "1s" } }, `expected pool.abortGrace to be ${ms}, got "1s"`],
    [{ tasks, pool: { abortGrace: Infinity } }, `expected pool.abortGrace to be ${ms}, got Infinity`],
    [{ tasks, pool: { teardownTimeout: true } }, `expected pool.teardownTimeout to be ${ms}, got true`],
    [
      { tasks, pool: { startTimeout: 0 } },
      "expected pool.startTimeout to be a number of milliseconds from 1 to 2147483647, got 0",
    ],
    [{ tasks, pool: { resourceLimits: 64 } }, "expected pool.resourceLimits to be an object, got 64"],
    [{ tasks, pool: { env: ["A=1"] } }, "expected pool.env to be an object, got an array"],
    [
      { tasks, pool: { execArgv: "--import tsx" } },
      'expected pool.execArgv to be an array of strings, got "--import tsx"',
    ],
    [{ tasks, pool: { execArgv: ["--import", 1] } }, "expected pool.execArgv to be an array of strings, got an array"],
    [{ tasks, queue: { max: 0 } }, "expected queue.max to be a positive integer or Infinity, got 0"],
    [{ tasks, queue: { maxBytes: 0 } }, "expected queue.maxBytes to be a positive integer or Infinity, got 0"],
    [
      { tasks, queue: { maxHold: 0 } },
      "expected queue.maxHold to be a number of milliseconds from 1 to 345600000 or Infinity, got 0",
    ],
    [{ tasks, log: { ended: "most" } }, 'expected log.ended to be one of "failed", "slow", "all", "none", got "most"'],
    [
      { tasks, log: { longRunning: "60s" } },
      'expected log.longRunning to be a number of milliseconds from 1 to 345600000 or Infinity, got "60s"',
    ],
    [{ tasks, log: false }, "expected log to be an object, got false"],
    [{ tasks, queue: 100 }, "expected queue to be an object, got 100"],
    [
      { tasks, callbacks: { concurrency: 0 } },
      "expected callbacks.concurrency to be a positive integer or Infinity, got 0",
    ],
    [{ tasks, callbacks: { max: 1 } }, "unknown option callbacks.max (known options: concurrency)"],
    [
      { tasks, defaults: { priority: "urgent" } },
      'expected defaults.priority to be one of "high", "normal", "low", got "urgent"',
    ],
    [{ tasks, defaults: { timeout: -1 } }, `expected defaults.timeout to be ${ms}, got -1`],
    [{ tasks, defaults: { attempts: 0 } }, "expected defaults.attempts to be a positive integer, got 0"],
    [{ tasks, defaults: { retries: 3 } }, /^unknown option defaults\.retries \(known options: priority, /],
    [{ tasks, defaults: { key: "k" } }, /^unknown option defaults\.key \(/],
    [{ tasks, defaults: { backoff: "fast" } }, `expected defaults.backoff to be ${backoffWords}, got "fast"`],
    [{ tasks, defaults: { backoff: [] } }, `expected defaults.backoff to be ${backoffWords}, got an array`],
    [
      { tasks, defaults: { backoff: { type: "linear", delay: 1 } } },
      'expected defaults.backoff.type to be one of "constant", "exponential", got "linear"',
    ],
    [
      { tasks, defaults: { backoff: { type: "constant", delay: 1, jitter: 1.1 } } },
      "expected defaults.backoff.jitter to be a number from 0 to 1, got 1.1",
    ],
    [
      { tasks, defaults: { backoff: { type: "constant", delay: 1, max: 2 } } },
      "unknown option defaults.backoff.max (known options: type, delay, maxDelay, jitter)",
    ],
    [
      { tasks, defaults: { runIf: "success" } },
      'expected defaults.runIf to be "always", "sent", "ok" or a function, got "success"',
    ],
    [
      { tasks, defaults: { concurrency: 0 } },
      "expected defaults.concurrency to be a positive integer or Infinity, got 0",
    ],
    [{ tasks, policies: [] }, "expected policies to be an object, got an array"],
    [{ tasks, policies: { sendMail: 3 } }, "expected policies.sendMail to be an object, got 3"],
    [
      { tasks, policies: { sendMail: { attempts: 1.5 } } },
      "expected policies.sendMail.attempts to be a positive integer, got 1.5",
    ],
    [
      { tasks, policies: { sendMail: { timout: 5 } } },
      "unknown option policies.sendMail.timout (did you mean timeout?)",
    ],
    [{ tasks, journal: "./journal" }, 'expected journal to be an object, got "./journal"'],
    [{ tasks, context: {} }, "expected context to be a function, got an object"],
    [{ tasks, logger: true }, `expected logger to be ${loggerWords}, got true`],
    [{ tasks, logger: { info: noop, warn: noop } }, `expected logger to be ${loggerWords}, got an object`],
  ])("%j", (options, message) => {
    const words = refusal(() => resolve(options));
    expect(words).toMatch(/^createOffloader: /);
    const rest = words.slice("createOffloader: ".length);
    if (typeof message === "string") expect(rest).toBe(message);
    else expect(rest).toMatch(message);
  });

  it("says nothing of what stands in an object that was given", () => {
    expect(refusal(() => resolve({ tasks, name: { password: "hunter2" } }))).not.toContain("hunter2");
  });
});

describe("createOffloader accepts", () => {
  it.each<[string, object]>([
    ["an engine, a role and a task that stays", { engine, role: "work", policies: { resize: { engine: false } } }],
    ["a path", { tasks: "/app/tasks.js" }],
    [
      "every option of the pool",
      {
        pool: {
          minThreads: 0,
          maxThreads: 3,
          idleTimeout: Infinity,
          concurrentTasksPerThread: 8,
          maxTasksPerThread: 1_000,
          maxThreadMemory: 2 ** 30,
          priority: 19,
          watch: true,
          abortGrace: 0,
          teardownTimeout: 0,
          startTimeout: 1,
          resourceLimits: { maxOldGenerationSizeMb: 64 },
          env: { A: "1", B: undefined },
          execArgv: ["--import", "tsx"],
          workerData: null,
        },
      },
    ],
    [
      "limits without an end",
      { queue: { max: Infinity }, callbacks: { concurrency: Infinity }, defaults: { concurrency: Infinity } },
    ],
    [
      "every kind of backoff",
      {
        policies: {
          a: { backoff: 0 },
          b: { backoff: () => 1 },
          c: { backoff: { type: "constant", delay: 5 } },
          d: { backoff: { delay: 50 } },
        },
      },
    ],
    ["every kind of runIf", { policies: { a: { runIf: "sent" }, b: { runIf: () => true } } }],
    ["a logger whose methods are inherited", { logger: Object.create({ info: noop, warn: noop, error: noop }) }],
    [
      "fields that are undefined, as left out",
      { name: undefined, pool: { maxThreads: undefined }, defaults: undefined, policies: { a: undefined } },
    ],
    ["a policy of a task named like something inherited", { policies: { constructor: { attempts: 2 } } }],
  ])("%s", (_, options) => {
    expect(() => resolve({ tasks, ...options })).not.toThrow();
  });
});

describe("what was left out", () => {
  it("is filled with the defaults", () => {
    const { logger, policies, pool, ...rest } = resolve({ tasks });
    expect(rest).toEqual({
      tasks,
      name: "offloader",
      queue: { max: 10_000, maxBytes: Math.floor(memoryLimit() / 4), maxHold: 900_000 },
      log: { ended: "failed", slowMs: 10_000, sample: 1, longRunning: 60_000 },
      callbacks: { concurrency: 100 },
      defaults: {
        priority: "normal",
        timeout: 0,
        attempts: 1,
        backoff: { type: "exponential", delay: 1_000, maxDelay: 3_600_000, jitter: 0.5 },
        runIf: "always",
        concurrency: Number.POSITIVE_INFINITY,
        engine: true,
      },
      journal: undefined,
      engine: undefined,
      role: "both",
      context: undefined,
    });
    expect(policies.size).toBe(0);
    expect(pool).toMatchObject({
      minThreads: 1,
      idleTimeout: 60_000,
      concurrentTasksPerThread: 1,
      maxTasksPerThread: Number.POSITIVE_INFINITY,
      maxThreadMemory: Number.POSITIVE_INFINITY,
      priority: 5,
      watch: false,
      abortGrace: 1_000,
      teardownTimeout: 5_000,
      startTimeout: 30_000,
      resourceLimits: undefined,
      env: undefined,
      execArgv: undefined,
      workerData: undefined,
    });
    expect(typeof logger.error).toBe("function");
  });

  it("as a number of threads leaves one CPU to the main thread, and is one at least", () => {
    const { maxThreads } = resolve({ tasks }).pool;
    expect(maxThreads).toBeGreaterThanOrEqual(1);
    expect(maxThreads).toBeLessThanOrEqual(Math.max(1, availableParallelism() - 1));
  });

  it("as a number of threads contradicts no other", () => {
    expect(resolve({ tasks, pool: { minThreads: 64 } }).pool).toMatchObject({ minThreads: 64, maxThreads: 64 });
    expect(resolve({ tasks, pool: { minThreads: 0, maxThreads: 5 } }).pool).toMatchObject({
      minThreads: 0,
      maxThreads: 5,
    });
  });

  it("of the defaults is filled, and of a policy taken from the defaults", () => {
    const options = resolve({
      tasks,
      defaults: { attempts: 3, timeout: 100, priority: undefined },
      policies: { sendMail: { timeout: 50, attempts: undefined }, renderPdf: undefined },
    });
    expect(options.defaults).toMatchObject({ attempts: 3, timeout: 100, priority: "normal" });
    expect(options.policies.get("sendMail")).toEqual({ ...options.defaults, timeout: 50 });
    expect(options.policies.get("renderPdf")).toBe(options.defaults);
  });

  it("as a logger is stderr; false is silence; the user's own is guarded", () => {
    expect(resolve({ tasks, logger: false }).logger).toBe(silentLogger);
    const { logger, lines } = recordingLogger();
    resolve({ tasks, logger }).logger.warn({ a: 1 }, "heard");
    expect(lines).toEqual([{ level: "warn", message: "heard", fields: { a: 1 } }]);
    const broken = (): never => {
      throw new Error("broken");
    };
    const guarded = resolve({ tasks, logger: { info: broken, warn: broken, error: broken } }).logger;
    expect(() => guarded.error({}, "m")).not.toThrow();
  });
});

describe("the resolved options", () => {
  it("cannot be changed", () => {
    const options = resolve({ tasks, policies: { sendMail: { attempts: 2 } } });
    const { pool, queue, callbacks, defaults, policies } = options;
    for (const part of [options, pool, queue, callbacks, defaults, defaults.backoff, policies.get("sendMail")]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it("leave what the user gave as it was, and do not follow its later changes", () => {
    const given = {
      tasks,
      pool: { maxThreads: 2 },
      queue: { max: 5 },
      defaults: { attempts: 2 },
      policies: { a: { attempts: 3 } },
    };
    const before = structuredClone({ ...given, tasks: undefined });
    const options = resolve(given);
    expect(structuredClone({ ...given, tasks: undefined })).toEqual(before);
    given.pool.maxThreads = 9;
    given.queue.max = 9;
    given.defaults.attempts = 9;
    given.policies.a.attempts = 9;
    expect(options.pool.maxThreads).toBe(2);
    expect(options.queue.max).toBe(5);
    expect(options.defaults.attempts).toBe(2);
    expect(options.policies.get("a")?.attempts).toBe(3);
  });
});

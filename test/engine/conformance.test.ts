// The conformance suite, run against each engine.
import path from "node:path";
import { afterAll, beforeAll, describe, vi } from "vitest";
import { silentLogger } from "../../src/base/logger.js";
import { capture } from "../../src/core/payload/capture.js";
import type { Task } from "../../src/core/task.js";
import {
  type CallbackContext,
  type CallbackPayload,
  createCallbacksEngine,
} from "../../src/engine/callbacks/callbacks.js";
import type { Engine, EngineHost } from "../../src/engine/engine.js";
import { createInlineEngine } from "../../src/engine/inline/inline.js";
import { RemoteTasks } from "../../src/engine/remote/remote-tasks.js";
import { findTasksModule } from "../../src/engine/threads/module/tasks-module.js";
import { resolvePool } from "../../src/engine/threads/options.js";
import { ThreadsEngine } from "../../src/engine/threads/threads-engine.js";
import { NoStore } from "../../src/store/no-store.js";
import { KitEngine } from "../../src/testing/run/kit-engine.js";
import { FakeBroker } from "../support/fake-broker/broker.mjs";
import { testEngine } from "./conformance.js";
import { choiceOf } from "./remote/choice.js";
import type { EngineUnderTest } from "./subject.js";

// The package has this file; the sources have none that a thread could load.
vi.mock(import("../../src/engine/threads/module/runner-file.js"), async (original) => ({
  ...(await original()),
  libraryFile: (name: string) => path.resolve(import.meta.dirname, "../../dist", name),
}));

const module = new URL("../fixtures/conformance.mjs", import.meta.url);
const functions: Record<string, (payload: unknown, task: object) => unknown> = await import(module.href);

const captured: EngineUnderTest["content"] = (_name, payload) => ({
  payload: capture(payload),
  context: capture({ request: "r-1" }),
});

const threads: EngineUnderTest = {
  name: "threads",
  kind: "task",
  create: ({ events, concurrency, abortGrace }) =>
    new ThreadsEngine({
      name: "test",
      options: resolvePool("test", { minThreads: concurrency, maxThreads: concurrency, abortGrace }),
      module: findTasksModule(module, undefined),
      idPrefix: "id-",
      events,
      logger: silentLogger,
    }),
  content: captured,
};

let broker: FakeBroker;
let queues = 0;

beforeAll(async () => {
  broker = await FakeBroker.start();
});

afterAll(() => broker.down());

/** The engine of an offloader with the option `engine`, for the tasks that do not leave. */
const remote: EngineUnderTest = {
  name: "threads behind a queue elsewhere",
  kind: "task",
  create: (options) =>
    new RemoteTasks({
      choice: choiceOf(broker.port, `conformance-${++queues}`),
      role: "both",
      local: threads.create(options),
      store: new NoStore(),
      logger: silentLogger,
      places: options.concurrency,
      readmit() {
        throw new Error("nothing is in the queue");
      },
    }),
  content: captured,
};

const inline: EngineUnderTest = {
  name: "inline",
  kind: "task",
  create: ({ concurrency, abortGrace }) =>
    createInlineEngine({ module: module.href, concurrency, abortGrace, logger: silentLogger }),
  content: captured,
};

/** The engine that the testing kit puts in the place of the threads, where it runs tasks inline. */
const kit: EngineUnderTest = {
  name: "testing kit",
  kind: "task",
  create: ({ concurrency, abortGrace }) =>
    onceStarted((host) => {
      const nothing = createInlineEngine({ module: "", concurrency: 1, abortGrace, logger: silentLogger });
      const engine = new KitEngine({
        original: nothing,
        host,
        placeOf: () => "inline",
        makeInline: () => createInlineEngine({ module: module.href, concurrency, abortGrace, logger: silentLogger }),
        holds: () => false,
        pauseLike() {},
      });
      void engine.inline;
      return engine;
    }),
  content: captured,
};

const callbacks: EngineUnderTest = {
  name: "callbacks",
  kind: "callback",
  create: ({ concurrency, abortGrace }) => createCallbacksEngine({ concurrency, abortGrace }),
  content(name, payload, task) {
    // A closure: what a task gets from its context, a callback knows by itself.
    const callback = ({ signal }: CallbackContext): unknown => functions[name]?.(payload, contextOf(task(), signal));
    const inContext: CallbackPayload["inContext"] = (code, argument) => code(argument);
    return { payload: { callback, inContext, outcome: undefined } satisfies CallbackPayload };
  },
};

function contextOf(task: Task | undefined, signal: AbortSignal): object {
  return { signal, attempt: task?.attempt, throwIfAborted() {} };
}

/** An engine that is made when it is given its host. */
function onceStarted(make: (host: EngineHost) => Engine): Engine {
  let engine: Engine | undefined;
  const start = (host: EngineHost): void => {
    engine = make(host);
  };
  return new Proxy({ start } as Engine, {
    get(own, name) {
      if (Object.hasOwn(own, name)) return Reflect.get(own, name);
      if (name === "unended") return engine?.unended ?? 0;
      return (...args: unknown[]) => Reflect.apply(Reflect.get(engine ?? {}, name), engine, args);
    },
  });
}

describe.each([threads, remote, inline, kit, callbacks])("the engine $name", (under) => {
  testEngine(under);
});

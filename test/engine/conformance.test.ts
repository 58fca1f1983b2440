// The conformance suite, run against each engine.
import { describe } from "vitest";
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
import { findTasksModule } from "../../src/engine/threads/module/tasks-module.js";
import { resolvePool } from "../../src/engine/threads/options.js";
import { ThreadsEngine } from "../../src/engine/threads/threads-engine.js";
import { KitEngine } from "../../src/testing/run/kit-engine.js";
import { testEngine } from "./conformance.js";
import type { EngineUnderTest } from "./subject.js";

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

describe.each([threads, inline, kit, callbacks])("the engine $name", (under) => {
  testEngine(under);
});

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
import { createInlineEngine } from "../../src/engine/inline/inline.js";
import { findTasksModule } from "../../src/engine/threads/module/tasks-module.js";
import { resolvePool } from "../../src/engine/threads/options.js";
import { ThreadsEngine } from "../../src/engine/threads/threads-engine.js";
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

describe.each([threads, inline, callbacks])("the engine $name", (under) => {
  testEngine(under);
});

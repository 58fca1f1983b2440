// In a thread with an SDK of its own: the span `process {task}` is active while the code of the task runs, so that the user's spans
// are its children.
import { context, type Tracer } from "@opentelemetry/api";
import { type RunMessage, runChannel } from "../core/trace/channels.js";
import { endProcess, isThenable, type Relation, startProcess } from "./spans.js";

/** What `aroundTask` is; it is imported from the worker entry, which the list of this thread belongs to. */
export type Around = (around: (task: object, run: () => unknown) => unknown) => () => void;

/** Traces until the function returned is called. */
export function traceTasks(tracer: () => Tracer, relation: Relation, aroundTask: Around): () => void {
  // The message of an attempt comes in the same turn before what goes around its task.
  let message: RunMessage | undefined;
  const subscribers = {
    start(begun: RunMessage) {
      message = begun;
    },
    end() {},
    asyncStart() {},
    asyncEnd() {},
    error() {},
  };
  runChannel.subscribe(subscribers as never);
  const remove = aroundTask((_task, run) => {
    const begun = message;
    message = undefined;
    if (begun?.carrier === undefined) return run();
    const started = startProcess(tracer(), begun, relation);
    return context.with(started.context, () => {
      try {
        const result = run();
        if (!isThenable(result)) {
          endProcess(started.span, "succeeded");
          return result;
        }
        return result.then(
          (value) => {
            endProcess(started.span, "succeeded");
            return value;
          },
          (error: unknown) => {
            endProcess(started.span, "failed", error);
            throw error;
          },
        );
      } catch (error) {
        endProcess(started.span, "failed", error);
        throw error;
      }
    });
  });
  return () => {
    remove();
    runChannel.unsubscribe(subscribers as never);
  };
}

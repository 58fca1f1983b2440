// Tasks, their definitions and a ledger without an offloader around them, for tests of the parts.

import type { Logger } from "../../src/base/logger.js";
import { ticks } from "../../src/base/ticks.js";
import { TaskDefinition, type TaskPolicy } from "../../src/core/definition.js";
import { type EventName, Events, type OffloaderEvents } from "../../src/core/events.js";
import { Ledger } from "../../src/core/ledger.js";
import { sizeOf } from "../../src/core/payload/payload.js";
import { type Dispatch, Task } from "../../src/core/task.js";
import { defaultPolicy } from "../../src/intake/call/dispatch-options.js";
import { type TaskEventName, taskEventNames } from "./event-names.js";

let made = 0;

export function defineTask(name = "work", policy: Partial<TaskPolicy> = {}, kind: "task" | "callback" = "task") {
  return new TaskDefinition(name, kind, { ...defaultPolicy, ...policy });
}

/** A task that nobody has accepted yet, under an id of its own. */
export function makeTask(
  definition: TaskDefinition = defineTask(),
  dispatch: Partial<Dispatch> = {},
  { payload, context }: { payload?: unknown; context?: unknown } = {},
): Task {
  const whole = { ...definition.policy, ...dispatch };
  return new Task(
    made++,
    (seq) => `id-${seq.toString(36)}`,
    definition,
    whole,
    payload,
    sizeOf(payload),
    context,
    ticks(),
  );
}

/** Tasks as a failing test can print them: they are linked with one another, and would be printed with all the others. */
export function ids(tasks: readonly (Task | undefined)[]): (string | undefined)[] {
  return tasks.map((task) => task?.id);
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

/** A logger that keeps its lines. */
export function recordingLogger(lines: LogLine[] = []): { logger: Logger; lines: LogLine[] } {
  const keep = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, message, fields: { ...fields } });
  return { logger: { info: keep("info"), warn: keep("warn"), error: keep("error") }, lines };
}

/** Events of transitions that are made outside of a move: each is a move of its own. */
class EventsAtOnce extends Events {
  override emit<Name extends EventName>(name: Name, event: OffloaderEvents[Name]): void {
    this.beginMove();
    super.emit(name, event);
    this.endMove();
  }
}

/** A ledger whose events wait for the end of the move, as they do in an offloader. */
export function createQueuedLedger(lines: LogLine[] = []): { ledger: Ledger; events: Events } {
  const { logger } = recordingLogger(lines);
  const events = new Events((err, event) => logger.error({ err, event }, "a listener failed"));
  return { ledger: new Ledger(events), events };
}

/** A ledger, its events, and what failing listeners log. Every transition is a move of its own. */
export function createLedger(): { ledger: Ledger; events: Events; lines: LogLine[] } {
  const { logger, lines } = recordingLogger();
  const events = new EventsAtOnce((err, event) => logger.error({ err, event }, "a listener failed"));
  return { ledger: new Ledger(events), events, lines };
}

/** Writes down every event of every task. */
export function recordEvents(events: Events): { name: TaskEventName; event: OffloaderEvents[TaskEventName] }[] {
  const heard: { name: TaskEventName; event: OffloaderEvents[TaskEventName] }[] = [];
  for (const name of taskEventNames) events.on(name, (event) => void heard.push({ name, event }));
  return heard;
}

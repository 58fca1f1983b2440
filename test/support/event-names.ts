// The names of all events, each once. One that is added later and left out here does not compile.
import type { EventName, OffloaderEvents } from "../../src/core/events.js";

/** The events of a task or a callback. */
export type TaskEventName = {
  [Name in EventName]: OffloaderEvents[Name] extends { readonly id: string } ? Name : never;
}[EventName];

const ofTasks: Readonly<Record<TaskEventName, true>> = {
  accepted: true,
  queued: true,
  started: true,
  progress: true,
  longRunning: true,
  retrying: true,
  succeeded: true,
  failed: true,
  cancelled: true,
  skipped: true,
  abandoned: true,
  forwarded: true,
};
const ofTheOffloader: Readonly<Record<Exclude<EventName, TaskEventName>, true>> = {
  refused: true,
  threadStarted: true,
  threadEnded: true,
  draining: true,
  drained: true,
};

export const taskEventNames = Object.keys(ofTasks) as readonly TaskEventName[];
export const eventNames = Object.keys({ ...ofTasks, ...ofTheOffloader }) as readonly EventName[];

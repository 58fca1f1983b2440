// The states of a task, and which state may follow which (docs/states.md has the diagram).

/** Where a task is in its life. The last six are final. */
export type TaskState =
  | "held"
  | "queued"
  | "running"
  | "delayed"
  | "succeeded"
  | "failed"
  | "cancelled"
  | "skipped"
  | "abandoned"
  | "forwarded";

/** A state that a task never leaves. */
export type FinalState = "succeeded" | "failed" | "cancelled" | "skipped" | "abandoned" | "forwarded";

/** A state that a task will leave. A drain waits for tasks in such a state. */
export type UnfinishedState = Exclude<TaskState, FinalState>;

export const unfinishedStates: readonly UnfinishedState[] = ["held", "queued", "running", "delayed"];

const next: Record<TaskState, readonly TaskState[]> = {
  held: ["queued", "cancelled", "skipped", "failed", "abandoned"],
  // queued -> failed: the tasks module cannot be loaded, or has no task of this name.
  queued: ["running", "cancelled", "failed", "abandoned", "forwarded"],
  // running -> queued: its thread has not begun it. running -> forwarded: a distributed queue has it.
  running: ["succeeded", "failed", "delayed", "queued", "cancelled", "abandoned", "forwarded"],
  // delayed -> forwarded: the queue that delivered it keeps it until its next attempt.
  delayed: ["queued", "cancelled", "failed", "abandoned", "forwarded"],
  succeeded: [],
  failed: [],
  cancelled: [],
  skipped: [],
  abandoned: [],
  forwarded: [],
};

export const states: readonly TaskState[] = Object.keys(next) as TaskState[];

// Both questions are asked several times for each task. Numbers and bits answer them faster than lists.
const codes = new Map(states.map((state, code) => [state, code]));
const [held, queued, running, succeeded] = (["held", "queued", "running", "succeeded"] as const).map((state) =>
  states.indexOf(state),
) as [number, number, number, number];
const followers = states.map((state) => next[state].reduce((bits, to) => bits | (1 << codeOf(to)), 0));

/** The number of a state; -1 for a name that is no state. */
export function codeOf(state: TaskState): number {
  // Those that every task passes first, for the same reason.
  if (state === "held") return held;
  if (state === "queued") return queued;
  if (state === "running") return running;
  if (state === "succeeded") return succeeded;
  return codes.get(state) ?? -1;
}

/** Whether a task may go from one state to another. Both are given by number. */
export function mayFollow(from: number, to: number): boolean {
  return ((followers[from] ?? 0) & (1 << to)) !== 0;
}

/** Whether a task stays in this state. */
export function isFinal(state: TaskState): state is FinalState {
  // Comparisons with what is one object each cost 3 ns, a look into a Map 10. It is asked five times a task.
  switch (state) {
    case "succeeded":
    case "failed":
    case "cancelled":
    case "skipped":
    case "abandoned":
    case "forwarded":
      return true;
    default:
      return false;
  }
}

// The states of a task and the ways between them (docs/states.md draws them).

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

/** A state that a drain waits for. */
export type UnfinishedState = Exclude<TaskState, FinalState>;

export const unfinishedStates: readonly UnfinishedState[] = ["held", "queued", "running", "delayed"];

const next: Record<TaskState, readonly TaskState[]> = {
  held: ["queued", "cancelled", "skipped", "failed", "abandoned"],
  // queued -> failed: its thread can never be started, or its name turns out to be unknown.
  queued: ["running", "cancelled", "failed", "abandoned", "forwarded"],
  // running -> queued: its thread never began it. running -> forwarded: a distributed queue has it.
  running: ["succeeded", "failed", "delayed", "queued", "cancelled", "abandoned", "forwarded"],
  delayed: ["queued", "cancelled", "failed", "abandoned"],
  succeeded: [],
  failed: [],
  cancelled: [],
  skipped: [],
  abandoned: [],
  forwarded: [],
};

export const states: readonly TaskState[] = Object.keys(next) as TaskState[];

// Both questions are asked several times a task: numbers and bits answer them without looking into lists.
const codes = new Map(states.map((state, code) => [state, code]));
const followers = states.map((state) => next[state].reduce((bits, to) => bits | (1 << codeOf(to)), 0));

/** The number of a state. */
export function codeOf(state: TaskState): number {
  return codes.get(state) ?? -1;
}

/** Whether a task in the state of the number `from` may go to that of the number `to`. */
export function mayFollow(from: number, to: number): boolean {
  return ((followers[from] ?? 0) & (1 << to)) !== 0;
}

export function isFinal(state: TaskState): state is FinalState {
  return followers[codeOf(state)] === 0;
}

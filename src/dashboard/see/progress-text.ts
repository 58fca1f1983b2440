// What a task has reported, as a number or a short text. It is the user's data, so of most values only the age is shown.
import { cut } from "./view-text.js";

/** A part from 0 to 1, a text, or neither; and how long ago it was reported, in ms. */
export type ProgressText = readonly [shown: number | string | null, ageMs: number];

export function progressText(
  reported: { readonly value: unknown; readonly ageMs: number },
  task: string,
  choose: ((value: unknown, task: string) => number | string | undefined) | undefined,
): ProgressText {
  return [shown(reported.value, task, choose), Math.round(reported.ageMs)];
}

function shown(
  value: unknown,
  task: string,
  choose: ((value: unknown, task: string) => number | string | undefined) | undefined,
): number | string | null {
  try {
    const chosen: unknown = choose === undefined ? byForm(value) : choose(value, task);
    if (typeof chosen === "number" && Number.isFinite(chosen)) return chosen;
    return typeof chosen === "string" ? cut(chosen, 80) : null;
  } catch {
    // The user's function is called for every running task each second: no line of the log for each.
    return null;
  }
}

function byForm(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const [done, total] = [Reflect.get(value, "done"), Reflect.get(value, "total")];
  return typeof done === "number" && typeof total === "number" && total > 0 ? done / total : undefined;
}

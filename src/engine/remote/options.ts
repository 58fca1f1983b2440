// The options `engine` and `role`: their rules, and what contradicts.
import { integer, invalid, oneOf, type Rule } from "../../base/option-rules.js";
import type { EngineChoice } from "./remote-engine.js";

/**
 * What a process does with the queue of the option `engine`: `"both"`: it gives tasks to it and runs tasks from it. `"dispatch"`: it
 * only gives, as a web process. `"work"`: it runs tasks, and gives only what it dispatches itself, such as follow-ups.
 */
export type EngineRole = "both" | "dispatch" | "work";

export const engineRule: Rule = {
  expected: "what the function of an engine returns, such as bullmq({ connection, queue })",
  holds: isChoice,
};

export const roleRule: Rule = oneOf("both", "dispatch", "work");

/** @throws OffloadError AR_INVALID_OPTIONS for a role without an engine */
export function checkRole(where: string, engine: EngineChoice | undefined, role: EngineRole | undefined): void {
  if (role !== undefined && engine === undefined)
    throw invalid(where, "engine", `given, as role is "${role}"`, undefined);
}

function isChoice(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { name, module, limits } = value as Partial<Record<keyof EngineChoice, unknown>>;
  if (typeof name !== "string" || typeof module !== "string" || typeof limits !== "object" || limits === null)
    return false;
  return integer(1).holds(Reflect.get(limits, "maxBytes"));
}

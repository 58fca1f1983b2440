import type { TaskContext } from "offload-after-response";
import { NonRetryableError } from "offload-after-response/worker";

export function resize(input: { key: string; widths: number[] }, task: TaskContext): string {
  if (input.widths.length === 0) throw new NonRetryableError("no widths");
  return `${input.key} at ${input.widths.join(" and ")}, attempt ${task.attempt}`;
}

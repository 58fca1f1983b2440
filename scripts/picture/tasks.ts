// The tasks of the shop in the picture: they take their time and do nothing.
import { setTimeout as sleep } from "node:timers/promises";
import { NonRetryableError, type TaskContext } from "offload-after-response/worker";

interface Work {
  ms: number;
  fails?: boolean;
}

async function work({ ms, fails }: Work, task: TaskContext, say: () => Error): Promise<void> {
  const steps = Math.max(1, Math.round(ms / 100));
  for (let step = 0; step < steps; step++) {
    await sleep(ms / steps, undefined, { signal: task.signal });
    task.progress({ done: step + 1, total: steps });
  }
  if (fails) throw say();
}

export function resizePhoto(input: Work, task: TaskContext): Promise<void> {
  return work(input, task, () => new NonRetryableError("Input buffer contains unsupported image format"));
}

export function sendReceipt(input: Work, task: TaskContext): Promise<void> {
  return work(input, task, () =>
    Object.assign(new Error("connect ECONNREFUSED 10.0.3.17:587"), { code: "ECONNREFUSED" }),
  );
}

export function renderInvoice(input: Work, task: TaskContext): Promise<void> {
  return work(input, task, () => new RangeError("The order 48211 has no lines"));
}

export function indexProduct(input: Work, task: TaskContext): Promise<void> {
  return work(input, task, () => new Error("Unexpected token < in JSON at position 0"));
}

export function exportOrders(input: Work, task: TaskContext): Promise<void> {
  return work(input, task, () => new Error("the bucket is gone"));
}

export function trackVisit(input: Work, task: TaskContext): Promise<void> {
  return work(input, task, () => new Error("no visit"));
}

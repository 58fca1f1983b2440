// Words for the log: what a shutdown still waits for, and for how long.
import type { OpenRequest } from "../http/open-request.js";
import type { UnfinishedTask } from "./target.js";

/** "3.2 s" */
export function seconds(ms: number): string {
  return `${(Math.max(0, ms) / 1_000).toFixed(1)} s`;
}

/** "1 task", "2 tasks" */
function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

/** How many tasks a log line lists. Collectors cut lines that are too long (256 KB in CloudWatch). */
const chunkLength = 500;

/** A list in parts of a bearable length, with words for where each part is: "1 to 500 of 1200". */
export function* inChunks<Item>(items: readonly Item[]): Generator<{ tasks: Item[]; range: string }> {
  for (let from = 0; from < items.length; from += chunkLength) {
    const tasks = items.slice(from, from + chunkLength);
    yield { tasks, range: `${from + 1} to ${from + tasks.length} of ${items.length}` };
  }
}

/** `12 tasks (optimizeImage: 3 running, 9 queued)` */
export function describeTasks(total: number, sample: readonly UnfinishedTask[]): string {
  if (total === 0) return count(0, "task");
  const names = new Map<string, Map<string, number>>();
  for (const { task, state } of sample) {
    const states = names.get(task) ?? new Map<string, number>();
    states.set(state, (states.get(state) ?? 0) + 1);
    names.set(task, states);
  }
  const parts = [...names].map(([task, states]) => {
    return `${task}: ${[...states].map(([state, n]) => `${n} ${state}`).join(", ")}`;
  });
  return `${count(total, "task")} (${parts.join("; ")}${andMore(total - sample.length)})`;
}

/** `2 open requests (GET /slow for 4.2 s; POST /photos for 0.3 s)` */
export function describeRequests(requests: readonly OpenRequest[], most = 5): string {
  if (requests.length === 0) return count(0, "open request");
  const oldest = [...requests].sort((a, b) => b.forMs - a.forMs).slice(0, most);
  const parts = oldest.map(({ method, path, forMs }) => `${method} ${path} for ${seconds(forMs)}`);
  return `${count(requests.length, "open request")} (${parts.join("; ")}${andMore(requests.length - most)})`;
}

function andMore(n: number): string {
  return n > 0 ? `; and ${n} more` : "";
}

// How many tasks make a measurement long enough.
import type { Program } from "../harness/program.js";
import type { Order, Payload, Reading } from "../programs/pool.js";

const large = 1_000_000;
const manyRows = 2_000;
// Buffers to be moved are all made beforehand.
const mostBytes = 1_000_000_000;

/** Warms the contender up and finds how many tasks it runs in `ms`; never fewer than are to be outstanding. */
export async function enoughTasks(program: Program, order: Order, ms: number): Promise<number> {
  const { payload, outstanding } = order;
  const most = payload.kind === "move" ? Math.ceil(mostBytes / payload.bytes) : Number.POSITIVE_INFINITY;
  let tasks = startingWith(payload);
  for (;;) {
    const { elapsedMs } = await program.ask<Reading>("measure", { ...order, tasks });
    const wanted = Math.min(most, Math.ceil((tasks * ms) / elapsedMs));
    // Faster while it warms up, so it is asked again until the estimate holds.
    if (wanted < tasks * 2) return Math.max(wanted, outstanding);
    tasks = Math.min(wanted, tasks * 10);
  }
}

/** Few enough that a first estimate takes about as long as a measurement, whatever the payload. */
function startingWith(payload: Payload): number {
  if (payload.kind === "tiny" || payload.kind === "fail") return 500;
  if ("bytes" in payload && payload.bytes >= large) return 4;
  if (payload.kind === "rows" && payload.rows >= manyRows) return 4;
  return 20;
}

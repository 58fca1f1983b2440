// How many tasks make a measurement long enough.
import type { Program } from "../harness/program.js";
import type { Order, Reading } from "../programs/pool.js";

// Buffers to be moved are all made beforehand.
const mostBytes = 1_000_000_000;

/** Warms the contender up and finds how many tasks it runs in `ms`; never fewer than are to be outstanding. */
export async function enoughTasks(program: Program, order: Order, ms: number): Promise<number> {
  const { payload, outstanding } = order;
  const most = payload.kind === "move" ? Math.ceil(mostBytes / payload.bytes) : Number.POSITIVE_INFINITY;
  let tasks = payload.kind === "tiny" ? 500 : 20;
  for (;;) {
    const { elapsedMs } = await program.ask<Reading>("measure", { ...order, tasks });
    const wanted = Math.min(most, Math.ceil((tasks * ms) / elapsedMs));
    // Faster while it warms up, so it is asked again until the estimate holds.
    if (wanted < tasks * 2) return Math.max(wanted, outstanding);
    tasks = Math.min(wanted, tasks * 10);
  }
}

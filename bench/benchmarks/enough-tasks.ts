// How many tasks make a measurement long enough.
import type { Program } from "../harness/program.js";
import type { Order, Reading } from "../programs/pool.js";

/** Warms the contender up and finds how many tasks it runs in `ms`; never fewer than are to be outstanding. */
export async function enoughTasks(program: Program, order: Order, ms: number): Promise<number> {
  let tasks = order.payload.kind === "tiny" ? 500 : 20;
  for (;;) {
    const { elapsedMs } = await program.ask<Reading>("measure", { ...order, tasks });
    const wanted = Math.ceil((tasks * ms) / elapsedMs);
    // Faster while it warms up, so it is asked again until the estimate holds.
    if (wanted < tasks * 2) return Math.max(wanted, order.outstanding);
    tasks = Math.min(wanted, tasks * 10);
  }
}

// What happens after the response.
import { setTimeout as sleep } from "node:timers/promises";

/** Takes a second in place of rendering a PDF, and stops when the shutdown's deadline comes. */
export async function writeReceipt({ order }, task) {
  await sleep(1_000, undefined, { signal: task.signal });
  console.log(`receipt written: ${order}`);
}

// BullMQ's sandboxed processor for the same tasks.
import { nothing, work } from "./tasks.mjs";

const tasks = { nothing, work };

// biome-ignore lint/style/noDefaultExport: it is what BullMQ loads
export default async function run(job) {
  return tasks[job.name](job.data);
}

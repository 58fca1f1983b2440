// BullMQ's sandboxed processor for tiny tasks: a file whose default export takes the job.
import type { SandboxedJob } from "bullmq";
import { tiny } from "./tasks.js";

// biome-ignore lint/style/noDefaultExport: it is what BullMQ loads
export default async function run(job: SandboxedJob): Promise<number> {
  return tiny(job.data);
}

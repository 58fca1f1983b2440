// BullMQ's sandboxed processor: a file whose default export takes the job. It runs in a process of its own.
import type { SandboxedJob } from "bullmq";
import { work } from "./tasks.js";

// biome-ignore lint/style/noDefaultExport: it is what BullMQ loads
export default async function run(job: SandboxedJob): Promise<void> {
  work(job.data);
}

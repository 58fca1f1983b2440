// One process of the cluster. A web process is told of each number by its parent, dispatches it, and answers with the id once that is on record;
// a worker runs what the queue gives it.
import { createOffloader } from "offload-after-response";
import { bullmq } from "offload-after-response/bullmq";

const { role, connection, journal } = JSON.parse(process.argv[2]);
const offloader = createOffloader({
  name: "cluster",
  tasks: new URL("tasks.mjs", import.meta.url),
  pool: { maxThreads: 1, concurrentTasksPerThread: 4 },
  journal: { dir: journal },
  engine: bullmq({ connection, queue: "cluster", lockMs: 3_000, stalledMs: 1_000 }),
  role,
  logger: false,
});
// Without its parent nobody counts.
process.once("disconnect", () => process.exit());
await offloader.ready();
process.on("message", ({ n, ms }) => {
  const { id } = offloader.offload("note", { n, ms });
  process.send({ accepted: n, id });
});
process.send({ ready: true });

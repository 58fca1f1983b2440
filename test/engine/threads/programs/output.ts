// Tasks that write: each line appears once, in its order, also when a thread exits or the offloader closes at once.
import { createOffloader } from "offload-after-response";

const offloader = createOffloader({
  tasks: new URL("../../../fixtures/output.mjs", import.meta.url),
  pool: { minThreads: 1, maxThreads: 1 },
  logger: false,
});
await offloader.ready();
await offloader.run("prints", { label: "first", lines: 200 });
await offloader.run("printsAndExits", { label: "second", lines: 200 }).catch(() => {});
const last = offloader.offload("prints", { label: "third", lines: 200 });
await offloader.close();
process.stdout.write(`state ${last.state}\n`);

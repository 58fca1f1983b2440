// A preload, which every thread loads as well.
import { createOffloader } from "offload-after-response";

const offloader = createOffloader({
  tasks: new URL("data:text/javascript,export function nothing() {}"),
  pool: { minThreads: 2 },
});
// Its threads keep no process alive.
await offloader.ready();

// The main thread is blocked until the time of a close is over, so that it has not seen the end of any thread when it exits.
import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { createOffloader } from "offload-after-response";

const offloader = createOffloader({
  tasks: new URL("../../../fixtures/threads.mjs", import.meta.url),
  pool: { minThreads: 2, maxThreads: 2 },
  logger: false,
});
await offloader.ready();
const response = new ServerResponse(new IncomingMessage(new Socket()));
// The response does not end, so the callback is abandoned.
offloader.runAfterResponse(response, () => {});
await offloader.close({
  timeout: 100,
  onAbandoned() {
    const end = performance.now() + 300;
    while (performance.now() < end);
  },
});
console.log("closed");
process.exit(3);

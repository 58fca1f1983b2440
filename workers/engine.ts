// The file that the thread of an engine loads: it connects the client of the broker and serves the main thread. It has a thread of its
// own, because a blocked event loop of the application would cost the locks of the tasks that run.
import { parentPort, workerData } from "node:worker_threads";
import type { EngineThreadData, FromEngine, ToEngine } from "../src/engine/remote/protocol.js";
import type { RemoteEngine } from "../src/engine/remote/remote-engine.js";
import { EngineService } from "../src/engine/remote/thread/service.js";

async function serve(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error("offload-after-response: this file is for a thread");
  const { module, options } = workerData as EngineThreadData;
  const { connect } = (await import(module)) as { connect(options: unknown): RemoteEngine };
  const service = new EngineService(connect(options), (message: FromEngine) => port.postMessage(message));
  port.on("message", (message: ToEngine) => {
    void service.receive(message).then(() => {
      if (message.kind === "close") port.close();
    });
  });
  service.open();
}

void serve();

// A server of node:http whose every response has so many tasks or callbacks registered on it.
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { createOffloader } from "offload-after-response";
import { answer } from "../harness/answer.js";
import { meterCommands } from "../harness/meter.js";
import type * as tasks from "../threads/tasks.js";

export type What = "callbacks" | "tasks";

answer({
  /** Resolves to the port. */
  async open({ what, count }: { what: What; count: number }): Promise<number> {
    const { runAfterResponse, offloadAfterResponse, ready } = createOffloader<typeof tasks>({
      tasks: new URL("../threads/tasks.js", import.meta.url),
      pool: { maxThreads: 1 },
      queue: { max: Number.POSITIVE_INFINITY },
    });
    await ready();
    let ran = 0;
    const server = http.createServer((_req, res) => {
      for (let n = 0; n < count; n++) {
        if (what === "tasks") offloadAfterResponse(res, "tiny", { n, key: "photo" });
        else runAfterResponse(res, () => void ran++);
      }
      res.writeHead(202, { "content-type": "application/json" }).end('{"key":"photo"}');
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  },
  ...meterCommands(),
});

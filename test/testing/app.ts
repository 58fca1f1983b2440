// An application under test: an offloader of its own, whose calls are destructured before the kit sees it, and a server.
import { createServer } from "node:http";
import { createOffloader, OffloadError, type Offloader, type OffloaderOptions } from "offload-after-response";
import { type Testing, type TestingOptions, testing } from "offload-after-response/testing";
import { onTestFinished } from "vitest";
import { listen } from "../support/http.js";
import type * as tasks from "./fixtures/tasks.mjs";

type Tasks = typeof tasks;

export interface App {
  readonly offloader: Offloader<Tasks>;
  readonly tasks: Testing<Tasks>;
  /** Sends a request; returns its status. */
  post(path: string): Promise<number>;
}

const module = new URL("./fixtures/tasks.mjs", import.meta.url);

/** Makes the application's offloader; it is closed when the test is over. */
export function makeOffloader(options: Omit<OffloaderOptions<Tasks>, "tasks"> = {}): Offloader<Tasks> {
  const offloader = createOffloader<Tasks>({ pool: { maxThreads: 1 }, logger: false, ...options, tasks: module });
  onTestFinished(async () => void (await offloader.close({ timeout: 0 })));
  return offloader;
}

/** The application with its offloader under test. */
export async function startApp(
  testingOptions: TestingOptions<Tasks> = {},
  options: Omit<OffloaderOptions<Tasks>, "tasks"> = {},
): Promise<App> {
  const offloader = makeOffloader(options);
  const { offloadAfterResponse, runAfterResponse } = offloader;
  const kit = testing(offloader, testingOptions);
  onTestFinished(() => kit.restore());
  let calls = 0;
  function failsOnce(): void {
    if (++calls === 1) throw new Error("busy");
  }
  const server = createServer((req, res) => {
    const [, what = "", key = ""] = (req.url ?? "").split("/");
    try {
      if (what === "mail") runAfterResponse(res, function sendWelcome() {});
      else if (what === "fails-once") runAfterResponse(res, failsOnce);
      else offloadAfterResponse(res, "optimizeImage", { key, widths: [320] }, { runIf: "ok" });
      res.writeHead(what === "broken" ? 500 : 202).end();
    } catch (error) {
      res.writeHead((error instanceof OffloadError && error.statusCode) || 500).end();
    }
  });
  const port = await listen(server);
  const post = async (path: string): Promise<number> => {
    const { status } = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST" });
    return status;
  };
  return { offloader, tasks: kit, post };
}

import path from "node:path";
import express from "express";
import { createOffloader, OffloadError } from "offload-after-response";
import type * as tasks from "./workers/tasks";

export const offloader = createOffloader<typeof tasks>({ tasks: path.join(__dirname, "workers/tasks.js") });
export const app = express();

app.post("/photos/:key", (req, res) => {
  offloader.offloadAfterResponse(res, "resize", { key: req.params.key, widths: [320, 640] });
  res.status(202).json({ key: req.params.key });
});

app.post("/wrong", (_req, res) => {
  try {
    offloader.offloadAfterResponse(res, "resize", { key: () => "no" } as never);
  } catch (error) {
    res.status(error instanceof OffloadError && error instanceof Error ? 400 : 500).json({ message: String(error) });
  }
});
